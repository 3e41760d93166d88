package breaker_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// errStop is a dependency's answer that asks to be left alone.
type errStop time.Duration

func (e errStop) Error() string { return "stop for " + time.Duration(e).String() }

func obedient(err error) breaker.Outcome {
	if stop, ok := errors.AsType[errStop](err); ok {
		return breaker.Outcome{Verdict: breaker.Failed, Reason: "rate_limited", OpenFor: time.Duration(stop)}
	}
	return breaker.Classify(err)
}

func newObedient(t *testing.T, store breaker.Store, j *journal) *breaker.Breaker {
	t.Helper()
	return newBreakerWith(t, breaker.Config{Settings: settings, Store: store, Classify: obedient}, j)
}

func TestAStopOpensTheCircuitAtOnceForTheWholeFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j := newStore(), new(journal)
		b, other := newObedient(t, store, j), newObedient(t, store, j)
		_ = call(b, nil)
		store.counted()
		_ = call(b, errStop(20*time.Minute))
		if _, writes := store.counted(); writes != 1 {
			t.Errorf("%d writes, want the change alone", writes)
		}
		var rejected *breaker.OpenError
		if err := call(other, nil); !errors.As(err, &rejected) || rejected.Reason != "rate_limited" || rejected.RetryAfter != 20*time.Minute {
			t.Errorf("got %+v", err)
		}
		for range 19 {
			time.Sleep(time.Minute)
			if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
				t.Fatalf("before its time: %v", err)
			}
		}
		time.Sleep(time.Minute)
		_, _ = call(b, nil), call(b, nil)
		wantState(t, b, breaker.Closed)
		wantLines(t, j, "closed→open", "open→half_open", "half_open→closed")
	})
}

func TestAStopOfAProbeSetsTheNextTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newObedient(t, newStore(), nil)
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		_ = call(b, errStop(2*time.Hour))
		time.Sleep(time.Hour - time.Second)
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("before its time: %v", err)
		}
		time.Sleep(time.Second)
		if err := call(b, nil); err != nil {
			t.Errorf("no opening is longer than max_open: %v", err)
		}
	})
}

func TestConcurrentStopsOpenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j := newStore(), new(journal)
		var permits [50]breaker.Permit
		for i := range permits {
			permits[i], _ = newObedient(t, store, j).Allow(context.Background())
		}
		var all sync.WaitGroup
		for i := range permits {
			all.Go(func() { permits[i].Done(errStop(time.Minute)) })
		}
		all.Wait()
		wantLines(t, j, "closed→open")
		if _, writes := store.counted(); writes > 50 {
			t.Errorf("%d writes for 50 stops", writes)
		}
	})
}

func TestAStopOfAnEarlierEpochIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newObedient(t, newStore(), nil)
		late, _ := b.Allow(context.Background())
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		_, _ = call(b, nil), call(b, nil)
		late.Done(errStop(time.Hour))
		wantState(t, b, breaker.Closed)
	})
}

func TestAStopProtectsWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newObedient(t, store, nil)
		_ = call(b, nil)
		store.set(func(s *watchedStore) { s.err = errors.New("refused") })
		_ = call(b, errStop(20*time.Minute))
		time.Sleep(19 * time.Minute)
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("forgotten: %v", err)
		}
	})
}

func TestOpeningsGrowWithBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := settings
		s.OpenBackOff, s.MaxOpen = 2, 100*time.Second
		b := newBreakerWith(t, breaker.Config{Settings: s, Store: newStore()}, nil)
		failTimes(b, 5)
		for _, opening := range []time.Duration{30, 60, 100, 100} {
			time.Sleep(opening*time.Second - time.Millisecond)
			if err := call(b, errDown); !errors.Is(err, breaker.ErrOpen) {
				t.Fatalf("the opening of %d s ended early: %v", opening, err)
			}
			time.Sleep(time.Millisecond)
			if err := call(b, errDown); !errors.Is(err, errDown) {
				t.Fatalf("the opening of %d s lasts on: %v", opening, err)
			}
		}
		time.Sleep(100 * time.Second)
		_, _ = call(b, nil), call(b, nil)
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		if err := call(b, nil); err != nil {
			t.Errorf("the next outage begins with the shortest: %v", err)
		}
	})
}
