package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func newOneOfMany(t *testing.T, store breaker.Store, environments int) *breaker.Breaker {
	t.Helper()
	s := settings
	s.MinEnvironments = environments
	return newBreakerWith(t, breaker.Config{Settings: s, Store: store}, nil)
}

func TestOneBrokenEnvironmentDoesNotOpenForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		broken, other, third := newOneOfMany(t, store, 3), newOneOfMany(t, store, 3), newOneOfMany(t, store, 3)
		for range 100 {
			failTimes(broken, 1)
			time.Sleep(10 * time.Millisecond)
		}
		wantFailures(t, broken, breaker.Closed, 3)
		failTimes(other, 20)
		wantFailures(t, broken, breaker.Closed, 6)
		failTimes(third, 1)
		wantFailures(t, broken, breaker.Open, 7)
	})
}

func wantFailures(t *testing.T, b *breaker.Breaker, state breaker.State, n int) {
	t.Helper()
	if s, err := b.Stats(context.Background()); err != nil || s.State != state || s.FailureCount != n {
		t.Errorf("%s with %d failures (%v), want %s with %d", s.State, s.FailureCount, err, state, n)
	}
}

// An environment keeps its newest failures: those of the first minute would
// have left the window when the others' come.
func TestABrokenEnvironmentsFailuresStayFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		broken, other := newOneOfMany(t, store, 2), newOneOfMany(t, store, 2)
		for range 120 {
			failTimes(broken, 1)
			time.Sleep(time.Second)
		}
		failTimes(other, 1)
		wantState(t, other, breaker.Open)
	})
}

func TestWithoutStoreAnEnvironmentOpensAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newOneOfMany(t, store, 3)
		_ = call(b, nil)
		store.set(func(s *watchedStore) { s.err = errors.New("refused") })
		failTimes(b, 5)
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("got %v", err)
		}
	})
}
