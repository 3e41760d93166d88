package breaker_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// flakyReads is a store whose reads fail half of the time.
type flakyReads struct {
	breaker.Store
	begun atomic.Bool
}

func (s *flakyReads) Load(ctx context.Context, circuit string, consistent bool) (breaker.Record, error) {
	if s.begun.Load() && rand.IntN(2) == 0 {
		return breaker.Record{}, errors.New("throttled")
	}
	return s.Store.Load(ctx, circuit, consistent)
}

// Between reading the clock and taking the lock another call may put a newer time
// into the node. That is no clock set back, and forgets nothing.
func TestManyGoroutinesDoNotForgetAnOpenCircuit(t *testing.T) {
	store := newStore()
	settings := breaker.Settings{Name: "c"}
	operator, err := breaker.New(breaker.Config{Settings: settings, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	if err := operator.SetOverride(t.Context(), breaker.Override{Mode: breaker.OverrideOpen, By: "ops", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	flaky := &flakyReads{Store: store}
	b, err := breaker.New(breaker.Config{Settings: settings, Store: flaky})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Prime(t.Context()); err != nil {
		t.Fatal(err)
	}
	flaky.begun.Store(true)
	var passed, calls atomic.Int64
	var all sync.WaitGroup
	length := 1200 * time.Millisecond
	if testing.Short() {
		length = 200 * time.Millisecond
	}
	end := time.Now().Add(length)
	for range 64 {
		all.Go(func() {
			for time.Now().Before(end) {
				calls.Add(1)
				if _, err := b.Allow(t.Context()); err == nil {
					passed.Add(1)
				}
			}
		})
	}
	if all.Wait(); passed.Load() > 0 || calls.Load() < 1_000 {
		t.Errorf("%d of %d calls pass a circuit that an operator holds open", passed.Load(), calls.Load())
	}
}

// A Prime that has read nothing says so, also in a store outage that another began.
func TestPrimeAfterAFailedPrimeSaysWhatIsWrong(t *testing.T) {
	store := newStore()
	store.set(func(s *watchedStore) { s.err = errors.New("no such table") })
	b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "c"}, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := b.Prime(t.Context()); err == nil {
			t.Error("primed by a store that does not answer")
		}
	}
	store.set(func(s *watchedStore) { s.err = nil })
	deadline := time.Now().Add(5 * time.Second)
	for b.Prime(t.Context()) != nil {
		if time.Now().After(deadline) {
			t.Fatal("not primed by a store that answers again")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
