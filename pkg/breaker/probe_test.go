package breaker_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestFailedProbeReopens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(journal)
		b := newBreaker(t, newStore(), j)
		failTimes(b, 5)
		for range 3 {
			time.Sleep(30 * time.Second)
			failTimes(b, 1)
			if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
				t.Fatalf("one failed probe reopens: %v", err)
			}
		}
		wantLines(t, j, "closed→open", "open→half_open", "half_open→open", "open→half_open", "half_open→open", "open→half_open", "half_open→open")
	})
}

func TestOneProbeInTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		failTimes(newBreaker(t, store, nil), 5)
		time.Sleep(30 * time.Second)
		var probing, most, admitted atomic.Int32
		var all sync.WaitGroup
		for range 100 {
			b := newBreaker(t, store, nil)
			all.Go(func() {
				_ = b.Do(context.Background(), func(_ context.Context, p *breaker.Permit) error {
					if !p.Probe() {
						t.Error("a half-open circuit admits probes only")
					}
					admitted.Add(1)
					most.Store(max(most.Load(), probing.Add(1)))
					time.Sleep(time.Second)
					probing.Add(-1)
					return errDown
				})
			})
		}
		all.Wait()
		if admitted.Load() != 1 || most.Load() != 1 {
			t.Errorf("%d probes, %d at once, want 1", admitted.Load(), most.Load())
		}
	})
}

func TestExpiredProbeIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j := newStore(), new(journal)
		b := newBreaker(t, store, j)
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		dead, err := b.Allow(context.Background())
		if err != nil || !dead.Probe() {
			t.Fatal(err)
		}
		other := newBreaker(t, store, j)
		if err := call(other, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("a running lease rejects: %v", err)
		}
		time.Sleep(5500 * time.Millisecond) // probe 4 s + 2 × skew 0.5 s + write 0.3 s
		if err := call(other, nil); err != nil {
			t.Errorf("the next call after the lease takes over: %v", err)
		}
		dead.Done(nil)
		wantState(t, b, breaker.HalfOpen)
		if s, _ := b.Stats(context.Background()); s.SuccessCount != 1 {
			t.Errorf("a late success counted: %+v", s)
		}
	})
}

func TestFrozenProberDoesNotCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		store.after = func() { time.Sleep(time.Minute) } // frozen between the claim and its reply
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("a prober past its deadline called: %v", err)
		}
	})
}

func TestShortCallDoesNotProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		store.counted()
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
		defer cancel()
		if _, err := b.Allow(ctx); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("a call that ends before a probe could claimed it: %v", err)
		}
		if _, writes := store.counted(); writes != 0 {
			t.Errorf("%d writes", writes)
		}
	})
}

// Calls that all have less time than ProbeTimeout must not keep a circuit open
// forever: after one more recovery time they probe with what they have.
func TestCallersShortOfTimeProbeWhenOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, newStore(), nil)
		failTimes(b, 5)
		short := func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			return b.Do(ctx, func(context.Context, *breaker.Permit) error { return nil })
		}
		time.Sleep(59 * time.Second)
		if err := short(); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("others still have the time to probe: %v", err)
		}
		time.Sleep(1500 * time.Millisecond)
		for range 2 {
			if err := short(); err != nil {
				t.Errorf("nobody has probed for a recovery time: %v", err)
			}
		}
		wantState(t, b, breaker.Closed)
	})
}

func TestCheckPassesAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, newStore(), nil)
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		probe, err := b.Allow(context.Background())
		if err != nil || !probe.Probe() {
			t.Fatalf("no probe: %v", err)
		}
		if err := probe.Check(context.Background()); err != nil {
			t.Errorf("by its own lease: %v", err)
		}
		probe.Done(nil)
	})
}

func TestProbeIsBoundedByItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, newStore(), nil)
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		err := b.Do(context.Background(), func(ctx context.Context, p *breaker.Permit) error {
			deadline, ok := ctx.Deadline()
			if left := time.Until(deadline); !ok || left > 4300*time.Millisecond || !deadline.Equal(p.Deadline()) {
				t.Errorf("a probe has %s", left)
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
