package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

func TestCircuitOpensProbesAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(journal)
		b := newBreaker(t, newStore(), j)
		failTimes(b, 4)
		wantState(t, b, breaker.Closed)
		if err := call(b, errDown); !errors.Is(err, errDown) {
			t.Errorf("an admitted call's error is its own: %v", err)
		}
		wantState(t, b, breaker.Open)

		var rejected *breaker.OpenError
		if err := call(b, nil); !errors.As(err, &rejected) || !errors.Is(err, breaker.ErrOpen) {
			t.Fatalf("an open circuit rejects: %v", err)
		}
		if rejected.Circuit != "jira_api" || rejected.State != breaker.Open || rejected.Reason != "error" || rejected.RetryAfter > 30*time.Second || rejected.RetryAfter < 29*time.Second {
			t.Errorf("a rejection explains itself: %+v", rejected)
		}
		time.Sleep(30 * time.Second)
		wantState(t, b, breaker.HalfOpen)
		for range 2 {
			if err := call(b, nil); err != nil {
				t.Fatal(err)
			}
		}
		wantState(t, b, breaker.Closed)
		wantLines(t, j, "closed→open", "open→half_open", "half_open→closed")
	})
}

func TestFailuresOfTheWholeFleetCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j := newStore(), new(journal)
		var permits [20]breaker.Permit
		for i := range 20 {
			permits[i], _ = newBreaker(t, store, j).Allow(context.Background())
		}
		var all sync.WaitGroup
		for i := range permits {
			all.Go(func() { permits[i].Done(errDown) })
		}
		all.Wait()
		cold := newBreaker(t, store, nil)
		if err := call(cold, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("20 concurrent failures in 20 environments open: %v", err)
		}
		wantLines(t, j, "closed→open")
	})
}

func TestOutcomesOfAnotherEpochAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b, late := newBreaker(t, store, nil), newBreaker(t, store, nil)
		permit, _ := late.Allow(context.Background())
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		_, _ = call(b, nil), call(b, nil)
		failTimes(b, 4)
		permit.Done(errDown)
		wantState(t, b, breaker.Closed)
	})
}

func TestCheckStopsRetriesOnceOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b, other := newBreaker(t, store, nil), newBreaker(t, store, nil)
		permit, _ := b.Allow(context.Background())
		if err := permit.Check(context.Background()); err != nil {
			t.Errorf("a closed circuit lets a call try again: %v", err)
		}
		failTimes(other, 5)
		time.Sleep(2 * time.Second)
		if err := permit.Check(context.Background()); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("an open circuit stops retries: %v", err)
		}
	})
}

func TestEveryAdmittedCallHasOneOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		permit, _ := b.Allow(context.Background())
		for range 10 {
			permit.Done(errDown)
		}
		if s, _ := b.Stats(context.Background()); s.FailureCount != 1 {
			t.Errorf("10 reports of one call counted %d", s.FailureCount)
		}
		var zero breaker.Permit
		zero.Done(errDown)
	})
}

func TestDoReportsTheResultOfItsFunctionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, newStore(), nil)
		ctx := context.Background()
		var kept []*breaker.Permit
		reports := func(result error) func(context.Context, *breaker.Permit) error {
			return func(_ context.Context, p *breaker.Permit) error {
				kept = append(kept, p)
				p.Done(errDown)
				return result
			}
		}
		for range 10 {
			_ = b.Do(ctx, reports(nil))
		}
		if s, _ := b.Stats(ctx); s.FailureCount != 0 {
			t.Errorf("10 calls that succeed counted %d failures", s.FailureCount)
		}
		for range 4 {
			_ = b.Do(ctx, reports(errDown))
		}
		for _, p := range kept {
			p.Done(errDown)
		}
		if s, _ := b.Stats(ctx); s.FailureCount != 4 {
			t.Errorf("4 calls that fail counted %d", s.FailureCount)
		}
		failTimes(b, 1)
		if err := kept[0].Check(ctx); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("it says whether the circuit has opened: %v", err)
		}
		time.Sleep(30 * time.Second)
		for range 2 {
			if err := b.Do(ctx, reports(nil)); err != nil {
				t.Fatal(err)
			}
			if p := kept[len(kept)-1]; !p.Probe() || p.Deadline().IsZero() {
				t.Error("it says that the call is a probe")
			}
		}
		wantState(t, b, breaker.Closed)
	})
}

func TestTheZeroPermitDoesNothing(t *testing.T) {
	var p breaker.Permit
	p.Done(errDown)
	if err := p.Check(context.Background()); err != nil || p.Probe() || !p.Deadline().IsZero() {
		t.Errorf("check %v, probe %v, deadline %v", err, p.Probe(), p.Deadline())
	}
}

func TestAPanicIsAFailureAndIsRaisedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, newStore(), nil)
		for range 5 {
			func() {
				defer func() {
					if v := recover(); v != "boom" {
						t.Errorf("recovered %v", v)
					}
				}()
				_ = b.Do(context.Background(), func(context.Context, *breaker.Permit) error { panic("boom") })
			}()
		}
		s, _ := b.Stats(context.Background())
		if s.State != breaker.Open {
			t.Errorf("five panics: %+v", s)
		}
		var rejected *breaker.OpenError
		if err := call(b, nil); !errors.As(err, &rejected) || rejected.Reason != "panic" {
			t.Errorf("reason %v", err)
		}
	})
}

func TestCancelledCallerIsNeutralButItsOutcomeIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, newStore(), nil)
		ctx, cancel := context.WithCancel(context.Background())
		_ = b.Do(ctx, func(ctx context.Context, _ *breaker.Permit) error { cancel(); return ctx.Err() })
		ctx, cancel = context.WithCancel(context.Background())
		_ = b.Do(ctx, func(context.Context, *breaker.Permit) error { cancel(); return errDown })
		if s, _ := b.Stats(context.Background()); s.FailureCount != 1 {
			t.Errorf("%d failures, want that of the call that failed", s.FailureCount)
		}
	})
}

func TestObserverCannotBreakTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := breaker.New(breaker.Config{Settings: settings, Store: newStore(), Observer: breaker.Observer{
			Transition: func(context.Context, breaker.Transition) { panic("observer") },
			Rejected:   func(context.Context, *breaker.OpenError) { panic("observer") },
		}})
		if err != nil {
			t.Fatal(err)
		}
		failTimes(b, 5)
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Error(err)
		}
	})
}

func TestDeletedItemIsAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		failTimes(b, 5)
		store.Store = memstore.New()
		time.Sleep(1100 * time.Millisecond)
		if err := call(b, nil); err != nil {
			t.Errorf("a deleted item closes the circuit: %v", err)
		}
	})
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, newStore(), nil)
		got, err := breaker.Run(context.Background(), b, func(context.Context, *breaker.Permit) (int, error) { return 42, nil })
		if got != 42 || err != nil {
			t.Error(got, err)
		}
	})
}

func TestACallWhoseContextHasEndedIsNotMade(t *testing.T) {
	b := newBreaker(t, newStore(), nil)
	for range 5 {
		ctx, cancel := context.WithTimeout(context.Background(), -time.Second)
		err := b.Do(ctx, func(ctx context.Context, _ *breaker.Permit) error {
			t.Error("called")
			return ctx.Err()
		})
		if cancel(); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	}
	wantState(t, b, breaker.Closed)
}

func TestAReadThatFailsIsAnError(t *testing.T) {
	unavailable := errors.New("unavailable")
	store := newStore()
	store.err = unavailable
	b := newBreaker(t, store, new(journal))
	if err := b.Prime(context.Background()); !errors.Is(err, unavailable) {
		t.Errorf("the first read: %v", err)
	}
	if _, err := b.Stats(context.Background()); !errors.Is(err, unavailable) {
		t.Errorf("a monitor's: %v", err)
	}
}

func TestClassify(t *testing.T) {
	for rule, c := range map[string]struct {
		err  error
		want breaker.Outcome
	}{
		"the caller's cancellation is neutral":   {fmt.Errorf("x: %w", context.Canceled), breaker.Outcome{Verdict: breaker.Neutral}},
		"another circuit's rejection is neutral": {fmt.Errorf("x: %w", &breaker.OpenError{Circuit: "inner"}), breaker.Outcome{Verdict: breaker.Neutral}},
		"a deadline is a failure":                {fmt.Errorf("x: %w", context.DeadlineExceeded), breaker.Outcome{Verdict: breaker.Failed, Reason: "timeout"}},
		"a panic is a failure":                   {&breaker.PanicError{Value: 1}, breaker.Outcome{Verdict: breaker.Failed, Reason: "panic"}},
		"any other error is a failure":           {errDown, breaker.Outcome{Verdict: breaker.Failed, Reason: "error"}},
		"a timeout of the network is one":        {fmt.Errorf("x: %w", &net.DNSError{IsTimeout: true}), breaker.Outcome{Verdict: breaker.Failed, Reason: "timeout"}},
		"a connection that fails is a failure":   {fmt.Errorf("x: %w", &net.OpError{Op: "dial", Err: errDown}), breaker.Outcome{Verdict: breaker.Failed, Reason: "connection"}},
	} {
		if got := breaker.Classify(c.err); got != c.want {
			t.Errorf("%s: got %+v", rule, got)
		}
	}
}

func TestEveryRejectionIsObservedAndSaysWhenToTryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		observed := 0
		b := newBreakerWith(t, breaker.Config{Settings: settings, Store: memstore.New(), Observer: breaker.Observer{
			Rejected: func(context.Context, *breaker.OpenError) { observed++ },
		}}, nil)
		failTimes(b, 5)
		opened := time.Now()
		for n := 1; time.Since(opened) < 29*time.Second; n++ {
			var rejected *breaker.OpenError
			if err := call(b, nil); !errors.As(err, &rejected) || observed != n {
				t.Fatalf("rejection %d: %v, %d observed", n, err, observed)
			}
			if late := rejected.RetryAfter - time.Until(opened.Add(30*time.Second)); late < 0 || late > 10*time.Millisecond {
				t.Fatalf("rejection %d is %s late", n, late)
			}
			time.Sleep(3 * time.Millisecond)
		}
	})
}
