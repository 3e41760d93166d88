package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

var errDown = errors.New("dependency down")

// watchedStore is a fleet's store with its operations counted and its faults
// at hand: an error at once, or a hang until the operation's time is up.
type watchedStore struct {
	breaker.Store
	mu     sync.Mutex
	reads  int
	writes int
	err    error
	hangs  bool
	slow   time.Duration
	after  func() // once, after the next write was committed
}

func newStore() *watchedStore { return &watchedStore{Store: memstore.New()} }

func (s *watchedStore) fault(ctx context.Context, count *int) error {
	s.mu.Lock()
	*count++
	err, hangs, slow := s.err, s.hangs, s.slow
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if slow > 0 {
		time.Sleep(slow)
	}
	return err
}

func (s *watchedStore) set(change func(*watchedStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *watchedStore) counted() (reads, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reads, writes = s.reads, s.writes
	s.reads, s.writes = 0, 0
	return reads, writes
}

func (s *watchedStore) Load(ctx context.Context, circuit string, consistent bool) (breaker.Record, error) {
	if err := s.fault(ctx, &s.reads); err != nil {
		return breaker.Record{}, err
	}
	return s.Store.Load(ctx, circuit, consistent)
}

func (s *watchedStore) AppendFailure(ctx context.Context, circuit string, f breaker.Failure) (breaker.Record, bool, error) {
	if err := s.fault(ctx, &s.writes); err != nil {
		return breaker.Record{}, false, err
	}
	return s.Store.AppendFailure(ctx, circuit, f)
}

func (s *watchedStore) PruneFailures(ctx context.Context, circuit string, epoch int64, ids []breaker.FailureID) (breaker.Record, bool, error) {
	if err := s.fault(ctx, &s.writes); err != nil {
		return breaker.Record{}, false, err
	}
	return s.Store.PruneFailures(ctx, circuit, epoch, ids)
}

func (s *watchedStore) Change(ctx context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	if err := s.fault(ctx, &s.writes); err != nil {
		return breaker.Record{}, false, err
	}
	r, held, err := s.Store.Change(ctx, circuit, c)
	s.mu.Lock()
	after := s.after
	s.after = nil
	s.mu.Unlock()
	if after != nil {
		after()
	}
	return r, held, err
}

// journal keeps what observers were told.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

func (j *journal) observer() breaker.Observer {
	return breaker.Observer{
		Transition: func(_ context.Context, t breaker.Transition) {
			where := ""
			if t.Local {
				where = " locally"
			}
			j.add("%s→%s%s", t.From, t.To, where)
		},
		StoreLost:     func(context.Context, string, error) { j.add("lost") },
		StoreReturned: func(context.Context, string, time.Duration) { j.add("returned") },
	}
}

var settings = breaker.Settings{Name: "jira_api", ProbeTimeout: 4 * time.Second}

func newBreaker(t *testing.T, store breaker.Store, j *journal) *breaker.Breaker {
	t.Helper()
	c := breaker.Config{Settings: settings, Store: store}
	if j != nil {
		c.Observer = j.observer()
	}
	b, err := breaker.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func call(b *breaker.Breaker, result error) error {
	return b.Do(context.Background(), func(context.Context, *breaker.Permit) error { return result })
}

func failTimes(b *breaker.Breaker, n int) {
	for range n {
		_ = call(b, errDown)
	}
}

func wantState(t *testing.T, b *breaker.Breaker, want breaker.State) {
	t.Helper()
	s, err := b.Stats(context.Background())
	if err != nil || s.State != want {
		t.Fatalf("state %q (%v), want %q", s.State, err, want)
	}
}

func wantLines(t *testing.T, j *journal, want ...string) {
	t.Helper()
	if got := j.take(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("observed %q, want %q", got, want)
	}
}

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

func TestHealthyCircuitCostsAtMostOneReadASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		if err := b.Prime(context.Background()); err != nil {
			t.Fatal(err)
		}
		store.counted()
		const seconds = 60
		for range seconds * 100 {
			time.Sleep(10 * time.Millisecond)
			if err := call(b, nil); err != nil {
				t.Fatal(err)
			}
		}
		reads, writes := store.counted()
		if writes != 0 || reads > seconds*100/86+1 || reads < seconds/2 {
			t.Errorf("%d reads and %d writes in %d s", reads, writes, seconds)
		}
	})
}

func TestRefreshRunsBesideTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		_ = call(b, nil)
		store.slow = 50 * time.Millisecond
		time.Sleep(time.Second)
		store.counted()
		began := time.Now()
		permit, err := b.Allow(context.Background())
		if err != nil || time.Since(began) != 0 {
			t.Errorf("admission did not wait: %v after %s", err, time.Since(began))
		}
		permit.Done(nil)
		if reads, _ := store.counted(); reads != 1 || time.Since(began) != 50*time.Millisecond {
			t.Errorf("Done joins the read: %d reads after %s", reads, time.Since(began))
		}
		time.Sleep(2 * time.Second)
		began = time.Now()
		_ = call(b, nil)
		if time.Since(began) != 50*time.Millisecond {
			t.Errorf("a thawed environment reads first: %s", time.Since(began))
		}
	})
}

func TestSuspiciousRecordIsReadBeforeTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b, other := newBreaker(t, store, nil), newBreaker(t, store, nil)
		failTimes(b, 1)
		failTimes(other, 4)
		time.Sleep(101 * time.Millisecond)
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("a record with a fresh failure is read again after 100 ms: %v", err)
		}
	})
}

func TestConcurrentCallsShareARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		store.slow = 20 * time.Millisecond
		b := newBreaker(t, store, nil)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { _ = call(b, nil) })
		}
		all.Wait()
		if reads, _ := store.counted(); reads != 1 {
			t.Errorf("50 calls made %d reads", reads)
		}
	})
}

func TestReadFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		s := settings
		s.MaxAge = -1
		b, err := breaker.New(breaker.Config{Settings: s, Store: store})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			_ = call(b, nil)
		}
		if reads, _ := store.counted(); reads != 10 {
			t.Errorf("10 calls made %d reads", reads)
		}
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

func TestStoreLossNeverRejects(t *testing.T) {
	for name, lose := range map[string]func(*watchedStore){
		"refused": func(s *watchedStore) { s.err = errors.New("refused") },
		"hanging": func(s *watchedStore) { s.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, j := newStore(), new(journal)
				b := newBreaker(t, store, j)
				_ = call(b, nil)
				store.set(lose)
				time.Sleep(2 * time.Second)
				var waits, slowest time.Duration
				for range 1000 {
					began := time.Now()
					if err := call(b, nil); err != nil {
						t.Fatalf("a call was refused because the store is away: %v", err)
					}
					waits += time.Since(began)
					slowest = max(slowest, time.Since(began))
					time.Sleep(10 * time.Millisecond)
				}
				reads, _ := store.counted()
				if slowest > 300*time.Millisecond || reads > 8 {
					t.Errorf("slowest call %s, %d tries of the store in 10 s", slowest, reads)
				}
				wantLines(t, j, "lost")
				store.set(func(s *watchedStore) { s.err, s.hangs = nil, false })
				time.Sleep(40 * time.Second)
				_ = call(b, nil)
				wantLines(t, j, "returned")
			})
		})
	}
}

func TestDependencyIsProtectedWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j := newStore(), new(journal)
		store.err = errors.New("refused")
		b := newBreaker(t, store, j)
		reached := 0
		began := time.Now()
		for time.Since(began) < 5*time.Minute {
			_ = b.Do(context.Background(), func(context.Context, *breaker.Permit) error { reached++; return errDown })
			time.Sleep(100 * time.Millisecond)
		}
		if reached > 5+10 || reached < 5+8 {
			t.Errorf("%d calls reached it, want the threshold and one per recovery window", reached)
		}
		if lines := j.take(); lines[0] != "lost" || lines[1] != "closed→open locally" || lines[2] != "open→half_open locally" {
			t.Errorf("observed %q", lines)
		}
		store.set(func(s *watchedStore) { s.err = nil })
		time.Sleep(time.Minute)
		if err := call(b, nil); err != nil {
			t.Errorf("the store's record replaces the local one: %v", err)
		}
		wantState(t, b, breaker.Closed)
	})
}

func TestKnownOpenCircuitStaysOpenWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		failTimes(b, 5)
		store.set(func(s *watchedStore) { s.err = errors.New("refused") })
		for range 29 {
			time.Sleep(time.Second)
			if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
				t.Fatalf("opened circuit was forgotten: %v", err)
			}
		}
	})
}

func TestLocalOutcomesStayLocal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		store.set(func(s *watchedStore) { s.err = errors.New("refused") })
		var permits [5]breaker.Permit
		for i := range permits {
			permits[i], _ = b.Allow(context.Background())
		}
		store.set(func(s *watchedStore) { s.err = nil })
		time.Sleep(5 * time.Second)
		_ = call(b, nil)
		for i := range permits {
			permits[i].Done(errDown)
		}
		wantState(t, b, breaker.Closed)
		if s, _ := b.Stats(context.Background()); s.FailureCount != 0 {
			t.Errorf("local failures reached the fleet: %+v", s)
		}
	})
}

func TestStoreThatReadsButDoesNotWriteStillProtects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &readOnlyStore{newStore()}
		b := newBreaker(t, store, nil)
		reached := 0
		for range 3000 {
			_ = b.Do(context.Background(), func(context.Context, *breaker.Permit) error { reached++; return errDown })
			time.Sleep(100 * time.Millisecond)
		}
		if reached > 100 {
			t.Errorf("%d of 3000 calls reached a dead dependency", reached)
		}
	})
}

type readOnlyStore struct{ *watchedStore }

func (s *readOnlyStore) AppendFailure(context.Context, string, breaker.Failure) (breaker.Record, bool, error) {
	return breaker.Record{}, false, errors.New("denied")
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

func TestPanicIsAFailureAndGoesOn(t *testing.T) {
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
		_ = b.Do(ctx, func(context.Context, *breaker.Permit) error { return errDown })
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

func TestClassify(t *testing.T) {
	for rule, c := range map[string]struct {
		err  error
		want breaker.Outcome
	}{
		"the caller's cancellation is neutral": {fmt.Errorf("x: %w", context.Canceled), breaker.Outcome{Verdict: breaker.Neutral}},
		"a deadline is a failure":              {fmt.Errorf("x: %w", context.DeadlineExceeded), breaker.Outcome{Verdict: breaker.Failed, Reason: "timeout"}},
		"a panic is a failure":                 {&breaker.PanicError{Value: 1}, breaker.Outcome{Verdict: breaker.Failed, Reason: "panic"}},
		"any other error is a failure":         {errDown, breaker.Outcome{Verdict: breaker.Failed, Reason: "error"}},
	} {
		if got := breaker.Classify(c.err); got != c.want {
			t.Errorf("%s: got %+v", rule, got)
		}
	}
}

func TestCacheHitDoesNotAllocate(t *testing.T) {
	b := newBreaker(t, memstore.New(), nil)
	ctx := context.Background()
	if err := b.Prime(ctx); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		permit, err := b.Allow(ctx)
		if err != nil {
			t.Fatal(err)
		}
		permit.Done(nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
