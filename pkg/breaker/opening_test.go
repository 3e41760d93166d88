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

// errPause is the error of a dependency that asks for a pause.
type errPause time.Duration

func (e errPause) Error() string { return "pause for " + time.Duration(e).String() }

func classifyPause(err error) breaker.Outcome {
	if pause, ok := errors.AsType[errPause](err); ok {
		return breaker.Outcome{Verdict: breaker.Failed, Reason: breaker.ReasonRateLimited, OpenFor: time.Duration(pause)}
	}
	return breaker.Classify(err)
}

func newPausing(t *testing.T, store breaker.Store, j *journal) *breaker.Breaker {
	t.Helper()
	return newBreakerWith(t, breaker.Config{Settings: settings, Store: store, Classify: classifyPause}, j)
}

func TestOpenForOpensTheCircuitAtOnceForTheWholeFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j := newStore(), new(journal)
		b, other := newPausing(t, store, j), newPausing(t, store, j)
		_ = call(b, nil)
		store.counted()
		_ = call(b, errPause(20*time.Minute))
		if _, writes := store.counted(); writes != 1 {
			t.Errorf("%d writes, want the change alone", writes)
		}
		var rejected *breaker.OpenError
		if err := call(other, nil); !errors.As(err, &rejected) || rejected.Reason != breaker.ReasonRateLimited || rejected.RetryAfter != 20*time.Minute {
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

func TestOpenForOfAProbeSetsTheRetryTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPausing(t, newStore(), nil)
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		_ = call(b, errPause(2*time.Hour))
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

func TestConcurrentOpenForsOpenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j := newStore(), new(journal)
		var permits [50]breaker.Permit
		for i := range permits {
			permits[i], _ = newPausing(t, store, j).Allow(context.Background())
		}
		var all sync.WaitGroup
		for i := range permits {
			all.Go(func() { permits[i].Done(errPause(time.Minute)) })
		}
		all.Wait()
		wantLines(t, j, "closed→open")
		if _, writes := store.counted(); writes > 50 {
			t.Errorf("%d writes for 50 failures", writes)
		}
	})
}

func TestOpenForOfAnEarlierEpochIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPausing(t, newStore(), nil)
		late, _ := b.Allow(context.Background())
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		_, _ = call(b, nil), call(b, nil)
		late.Done(errPause(time.Hour))
		wantState(t, b, breaker.Closed)
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
