package guard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

var (
	errDown     = errors.New("503")
	errNotFound = errors.New("404")
)

// classify is a connector's: what is not found was answered.
func classify(err error) breaker.Outcome {
	switch {
	case errors.Is(err, context.Canceled):
		return breaker.Outcome{Verdict: breaker.Neutral}
	case errors.Is(err, errNotFound):
		return breaker.Outcome{Verdict: breaker.Succeeded}
	case errors.Is(err, errDown):
		return breaker.Outcome{Verdict: breaker.Failed, Reason: "http_503"}
	default:
		return breaker.Classify(err)
	}
}

// bench is a Guard with everything around it to be looked at.
type bench struct {
	testGuard
	t       *testing.T
	store   breaker.Store
	breaker *breaker.Breaker
	calls   []Call // reported
}

// withBench runs f in fake time on a Guard, after change has altered the usual
// settings: retries after 1, 2 and 4 s, tries of 4 s, the default circuit.
func withBench(t *testing.T, change func(*Config), f func(*bench)) {
	t.Helper()
	b := &bench{t: t, store: memstore.New()}
	b.breaker = newBreaker(t, b.store)
	var mu sync.Mutex
	c := Config{
		Breaker: b.breaker, Classify: classify, TryTimeout: 4 * time.Second, Operations: []string{freshName(t)},
		Retry: retry.Policy{MaxRetries: 3, BaseDelay: time.Second, MaxDelay: 10 * time.Second, Reserve: time.Second},
		Report: func(_ context.Context, call Call) {
			mu.Lock()
			defer mu.Unlock()
			b.calls = append(b.calls, call)
		},
	}
	if change != nil {
		change(&c)
	}
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.testGuard = testGuard{g, c.Operations[0]}
	synctest.Test(t, func(t *testing.T) {
		b.t = t
		f(b)
		time.Sleep(time.Minute)
	})
}

// last returns the report of the last call. There must be n so far.
func (b *bench) last(n int) Call {
	b.t.Helper()
	if len(b.calls) != n {
		b.t.Fatalf("%d calls reported, want %d", len(b.calls), n)
	}
	return b.calls[n-1]
}

func (b *bench) wantState(state breaker.State, failures int) {
	b.t.Helper()
	stats, err := b.breaker.Stats(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	if stats.State != state || stats.FailureCount != failures {
		b.t.Errorf("circuit is %s with %d failures, want %s with %d", stats.State, stats.FailureCount, state, failures)
	}
}

// open opens the circuit and lets its recovery time pass, if wanted.
func (b *bench) open(recovered bool) {
	b.t.Helper()
	other := newBreaker(b.t, b.store)
	for range breaker.DefaultFailureThreshold {
		_ = other.Do(context.Background(), func(context.Context, *breaker.Permit) error { return errDown })
	}
	if recovered {
		time.Sleep(breaker.DefaultRecoveryTimeout + time.Second)
	}
}

func fail(context.Context) error { return errDown }

func untilDone(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestOneCall(t *testing.T) {
	answers := func(errs ...error) func(context.Context) error {
		return func(context.Context) (err error) {
			err, errs = errs[0], errs[1:]
			return err
		}
	}
	tests := map[string]struct {
		change func(*Config)
		ctx    func(context.Context) (context.Context, context.CancelFunc)
		fn     func(context.Context) error
		want   Call // but for Circuit and Operation
		failed int  // failures that the circuit then holds
	}{
		"a success is one try": {
			fn:   succeed,
			want: Call{Outcome: Succeeded, Attempts: 1},
		},
		"a call that succeeds at last is a success": {
			fn:   answers(errDown, errDown, nil),
			want: Call{Outcome: Succeeded, Attempts: 3, Duration: 3 * time.Second},
		},
		"a call whose tries all fail is one failure": {
			fn:     fail,
			want:   Call{Outcome: Failed, Reason: "http_503", Attempts: 4, Duration: 7 * time.Second, Err: errDown},
			failed: 1,
		},
		"an answer that the caller was wrong is a success, not retried": {
			fn:   func(context.Context) error { return errNotFound },
			want: Call{Outcome: Succeeded, Attempts: 1, Err: errNotFound},
		},
		"what is not retryable is not retried, and counts": {
			change: func(c *Config) { c.Retryable = func(error) bool { return false } },
			fn:     fail,
			want:   Call{Outcome: Failed, Reason: "http_503", Attempts: 1, Err: errDown},
			failed: 1,
		},
		"a try that runs out of time is retried": {
			fn:     untilDone,
			want:   Call{Outcome: Failed, Reason: "timeout", Attempts: 4, Duration: (4*4 + 7) * time.Second, Err: context.DeadlineExceeded},
			failed: 1,
		},
		"a try that ignores its context is a timeout, not retried": {
			fn:     func(context.Context) error { time.Sleep(20 * time.Second); return nil },
			want:   Call{Outcome: Failed, Reason: "timeout", Attempts: 1, Duration: 4*time.Second + abandonAfter, Err: context.DeadlineExceeded},
			failed: 1,
		},
		"an answer just after the timeout is still one": {
			fn:   func(context.Context) error { time.Sleep(4*time.Second + abandonAfter/2); return nil },
			want: Call{Outcome: Succeeded, Attempts: 1, Duration: 4*time.Second + abandonAfter/2},
		},
		"a try leaves the reserve before the deadline free": {
			ctx:    within3Seconds,
			fn:     untilDone,
			want:   Call{Outcome: Failed, Reason: "timeout", Attempts: 1, Duration: 2 * time.Second, Err: context.DeadlineExceeded},
			failed: 1,
		},
		"a try has half of what is left where that is little": {
			change: func(c *Config) { c.Retry.Reserve = 20 * time.Second },
			ctx:    within3Seconds,
			fn:     untilDone,
			want:   Call{Outcome: Failed, Reason: "timeout", Attempts: 1, Duration: 1500 * time.Millisecond, Err: context.DeadlineExceeded},
			failed: 1,
		},
		"no retry begins that would reach into the reserve": {
			ctx:    within3Seconds,
			fn:     fail,
			want:   Call{Outcome: Failed, Reason: "http_503", Attempts: 2, Duration: time.Second, Err: errDown},
			failed: 1,
		},
		"a caller that goes away during a try is neutral": {
			ctx:  cancelledAfter(2 * time.Second),
			fn:   untilDone,
			want: Call{Outcome: Neutral, Attempts: 1, Duration: 2 * time.Second, Err: context.Canceled},
		},
		"a caller that goes away during a back-off is neutral": {
			ctx:  cancelledAfter(2 * time.Second),
			fn:   fail,
			want: Call{Outcome: Neutral, Attempts: 2, Duration: 2 * time.Second, Err: context.Canceled},
		},
		"a caller that has gone before makes no try": {
			ctx:  cancelledAfter(0),
			fn:   succeed,
			want: Call{Outcome: Neutral, Reason: "no_time", Err: context.Canceled},
		},
		"a deadline that has passed before makes no try and counts nothing": {
			ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 0)
			},
			fn:   succeed,
			want: Call{Outcome: Neutral, Reason: "no_time", Err: context.DeadlineExceeded},
		},
		"the function's own ErrBusy is an error like any other": {
			fn:     func(context.Context) error { return fmt.Errorf("another guard: %w", ErrBusy) },
			change: func(c *Config) { c.Retryable = func(error) bool { return false } },
			want:   Call{Outcome: Failed, Reason: "error", Attempts: 1, Err: ErrBusy},
			failed: 1,
		},
	}
	for rule, tt := range tests {
		t.Run(rule, func(t *testing.T) {
			withBench(t, tt.change, func(b *bench) {
				ctx := b.t.Context()
				if tt.ctx != nil {
					bounded, cancel := tt.ctx(ctx)
					defer cancel()
					ctx = bounded
				}
				err := callWith(ctx, b.testGuard, tt.fn)
				got := b.last(1)
				if !errors.Is(err, tt.want.Err) || !errors.Is(got.Err, tt.want.Err) {
					t.Errorf("err = %v, reported %v, want %v", err, got.Err, tt.want.Err)
				}
				if err != nil && Attempts(err) != tt.want.Attempts {
					t.Errorf("Attempts(err) = %d, want %d", Attempts(err), tt.want.Attempts)
				}
				got.Err, tt.want.Err = nil, nil
				tt.want.Circuit, tt.want.Operation = "jira_api", b.operation
				if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tt.want) {
					t.Errorf("reported %+v\nwant     %+v", got, tt.want)
				}
				b.wantState(breaker.Closed, tt.failed)
			})
		})
	}
}

func within3Seconds(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 3*time.Second)
}

func cancelledAfter(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		if d == 0 {
			cancel()
		}
		time.AfterFunc(d, cancel)
		return ctx, cancel
	}
}

func TestFifthFailedCallOpensTheCircuit(t *testing.T) {
	withBench(t, nil, func(b *bench) {
		for range breaker.DefaultFailureThreshold {
			_ = call(b.testGuard, fail)
		}
		b.wantState(breaker.Open, breaker.DefaultFailureThreshold)
		err := call(b.testGuard, func(context.Context) error { b.t.Error("the call is let through"); return nil })
		var open *breaker.OpenError
		if !errors.As(err, &open) || Attempts(err) != 0 {
			b.t.Errorf("err = %v after %d tries, want an *OpenError after none", err, Attempts(err))
		}
		if got := b.last(6); got.Outcome != Rejected || got.Reason != "http_503" || got.Attempts != 0 || got.Duration != 0 {
			b.t.Errorf("reported %+v, want a rejection at once, with the reason of the opening", got)
		}
	})
}

func TestAFailedFollowUpIsNotASecondFailure(t *testing.T) {
	answers := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	for rule, c := range map[string]struct {
		open    bool // the circuit is, and its recovery time has passed
		fn      func(context.Context) error
		outcome string
		reason  string
		state   breaker.State
		failed  int
	}{
		"a failure of its own is neutral, with its reason": {false, answers(errDown), Neutral, "http_503", breaker.Closed, 1},
		"so is time that runs out":                         {false, untilDone, Neutral, "timeout", breaker.Closed, 1},
		"so is a failed probe, which leaves its place":     {true, answers(errDown), Neutral, "http_503", breaker.HalfOpen, 5},
		"a success is one":                                 {false, succeed, Succeeded, "", breaker.Closed, 1},
		"an answer is a success":                           {false, answers(errNotFound), Succeeded, "", breaker.Closed, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			withBench(t, nil, func(b *bench) {
				if c.open {
					b.open(true)
				} else {
					_ = call(b.testGuard, fail)
				}
				before := len(b.calls)
				_ = callWith(b.t.Context(), b.testGuard, c.fn, FollowUp())
				if got := b.last(before + 1); got.Outcome != c.outcome || got.Reason != c.reason {
					b.t.Errorf("reported %+v", got)
				}
				b.wantState(c.state, c.failed)
			})
		})
	}
}

func TestAFollowUpUsesTheSameCircuit(t *testing.T) {
	withBench(t, nil, func(b *bench) {
		b.open(false)
		followUp := func(ctx context.Context, fn func(context.Context) error) error {
			return callWith(ctx, b.testGuard, fn, FollowUp())
		}
		if err := mustReject(followUp); err != nil {
			b.t.Error(err)
		}
	})
	withBench(t, nil, func(b *bench) {
		b.open(true)
		for range breaker.DefaultSuccessThreshold {
			if err := callWith(b.t.Context(), b.testGuard, succeed, FollowUp()); err != nil {
				b.t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		b.wantState(breaker.Closed, 0)
	})
}

func TestAFailedCallReportsHowLongTheCircuitRejects(t *testing.T) {
	withBench(t, nil, func(b *bench) {
		for n := range breaker.DefaultFailureThreshold {
			err := call(b.testGuard, fail)
			want := map[bool]time.Duration{true: breaker.DefaultRecoveryTimeout}[n == breaker.DefaultFailureThreshold-1]
			if got := RejectsFor(err); got != want {
				b.t.Errorf("failure %d: open for %s, want %s", n+1, got, want)
			}
		}
		if got := RejectsFor(call(b.testGuard, fail)); got != 0 {
			b.t.Errorf("a rejection says so itself, not %s", got)
		}
	})
}

func TestProbeIsTriedOnce(t *testing.T) {
	withBench(t, nil, func(b *bench) {
		b.open(true)
		_ = call(b.testGuard, fail)
		if got := b.last(1); !got.Probe || got.Attempts != 1 || got.Outcome != Failed {
			b.t.Errorf("reported %+v, want a probe that failed in one try", got)
		}
		if err := mustReject(b.call); err != nil {
			b.t.Error(err)
		}
	})
}

func TestProbeHasTheWholeTryTimeout(t *testing.T) {
	withBench(t, nil, func(b *bench) {
		b.open(true)
		err := call(b.testGuard, func(ctx context.Context) error {
			select {
			case <-time.After(3900 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if got := b.last(1); err != nil || !got.Probe {
			b.t.Errorf("err = %v, reported %+v, want a probe that had time to succeed", err, got)
		}
	})
}

func TestTwoProbesCloseTheCircuit(t *testing.T) {
	withBench(t, nil, func(b *bench) {
		b.open(true)
		for range breaker.DefaultSuccessThreshold {
			if err := call(b.testGuard, succeed); err != nil {
				b.t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		b.wantState(breaker.Closed, 0)
	})
}

func TestRetriesStopOnceTheCircuitHasOpened(t *testing.T) {
	older := func(c *Config) { c.Retry.BaseDelay = 2 * time.Second } // than the breaker trusts its record
	withBench(t, older, func(b *bench) {
		err := call(b.testGuard, func(context.Context) error {
			b.open(false)
			return errDown
		})
		if !errors.Is(err, errDown) || errors.Is(err, breaker.ErrOpen) {
			b.t.Errorf("err = %v, want the try's own", err)
		}
		if got := b.last(1); got.Attempts != 1 || got.Outcome != Failed || got.Duration != 2*time.Second {
			b.t.Errorf("reported %+v, want one failed try and one back-off", got)
		}
	})
}

func TestCallsBeyondTheBulkheadAreBusy(t *testing.T) {
	withBench(t, func(c *Config) { c.MaxConcurrent = 2 }, func(b *bench) {
		first, _ := b.bulkhead.enter()
		second, _ := b.bulkhead.enter()
		b.open(true) // the probe is not taken by a call that finds no slot
		err := call(b.testGuard, succeed)
		if !errors.Is(err, ErrBusy) || errors.Is(err, context.Canceled) {
			b.t.Fatalf("err = %v, want ErrBusy", err)
		}
		var asks interface{ RetryAfter() time.Duration }
		if !errors.As(err, &asks) || asks.RetryAfter() != time.Second {
			b.t.Error("ErrBusy does not say when to come again")
		}
		if got := b.last(1); got.Outcome != Neutral || got.Reason != "busy" || got.Attempts != 0 || got.Probe {
			b.t.Errorf("reported %+v, want a neutral, busy call", got)
		}
		first.release()
		second.release()
		if err := call(b.testGuard, succeed); err != nil || !b.last(2).Probe {
			b.t.Errorf("err = %v, reported %+v, want the slots to be free and the probe to be made", err, b.last(2))
		}
	})
}

func TestHystrixRejectionIsNeutralAndNotRetried(t *testing.T) {
	// Three guards of one name share a pool of two: the third call passes its
	// own bulkhead and not hystrix's.
	one := func(c *Config) { c.MaxConcurrent = 1 }
	withBench(t, one, func(b *bench) {
		command, s := b.commands[b.operation], newBulkhead(2)
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() {
				_ = tryIn(context.Background(), s, command, func(context.Context) error { time.Sleep(time.Second / 2); return nil })
			})
		}
		synctest.Wait()
		err := call(b.testGuard, succeed)
		calls.Wait()
		if !errors.Is(err, ErrBusy) {
			b.t.Fatalf("err = %v, want ErrBusy", err)
		}
		if got := b.last(1); got.Outcome != Neutral || got.Reason != "busy" || got.Attempts != 0 || got.Duration != 0 {
			b.t.Errorf("reported %+v, want a neutral, busy call, once", got)
		}
		b.wantState(breaker.Closed, 0)
	})
}

func TestSlotOfATryThatIgnoresItsContextIsTakenUntilItEnds(t *testing.T) {
	withBench(t, func(c *Config) { c.MaxConcurrent = 1 }, func(b *bench) {
		_ = call(b.testGuard, func(context.Context) error { time.Sleep(20 * time.Second); return nil })
		if err := call(b.testGuard, succeed); !errors.Is(err, ErrBusy) {
			b.t.Errorf("err = %v while the try runs, want ErrBusy", err)
		}
		time.Sleep(20 * time.Second)
		if err := call(b.testGuard, succeed); err != nil {
			b.t.Errorf("err = %v after the try has ended", err)
		}
	})
}

func explode() { panic("boom") }

func TestPanicIsRecordedReportedAndRaisedAgain(t *testing.T) {
	withBench(t, func(c *Config) { c.MaxConcurrent = 1 }, func(b *bench) {
		func() {
			defer func() {
				if v := recover(); v != "boom" {
					b.t.Errorf("recovered %v, want the panic's own value", v)
				}
			}()
			_ = call(b.testGuard, func(context.Context) error { explode(); return nil })
			b.t.Error("the panic is not raised again")
		}()
		got := b.last(1)
		var panicked *breaker.PanicError
		if got.Outcome != Panicked || got.Reason != "panic" || got.Attempts != 1 || !errors.As(got.Err, &panicked) {
			b.t.Errorf("reported %+v, want one panic", got)
		}
		if !strings.Contains(string(got.Stack), "guard.explode") {
			b.t.Errorf("the stack does not tell where it panicked:\n%s", got.Stack)
		}
		b.wantState(breaker.Closed, 1)
		if err := call(b.testGuard, succeed); err != nil {
			b.t.Errorf("err = %v: the slot is not free", err)
		}
	})
}

func TestReportCannotBreakACall(t *testing.T) {
	withBench(t, func(c *Config) { c.Report = func(context.Context, Call) { panic("report") } }, func(b *bench) {
		if err := call(b.testGuard, succeed); err != nil {
			b.t.Error(err)
		}
	})
}

func TestWithoutACircuitCallsAreOnlyRetried(t *testing.T) {
	withBench(t, func(c *Config) { c.Breaker = nil }, func(b *bench) {
		for n := range 20 {
			if err := call(b.testGuard, fail); !errors.Is(err, errDown) {
				b.t.Fatalf("err = %v, want the try's own", err)
			}
			if got := b.last(n + 1); got.Circuit != "" || got.Attempts != 4 || got.Outcome != Failed {
				b.t.Fatalf("reported %+v, want 4 tries of no circuit", got)
			}
		}
	})
}

func TestRunReturnsTheLastTrysResult(t *testing.T) {
	withBench(t, nil, func(b *bench) {
		n := 0
		got, err := Run(b.t.Context(), b.Guard, b.operation, func(context.Context) (int, error) {
			n++
			if n < 3 {
				return -n, errDown
			}
			return n, nil
		})
		if got != 3 || err != nil {
			b.t.Errorf("Run = %d, %v, want 3", got, err)
		}
	})
}

func TestUnknownOperationIsAnError(t *testing.T) {
	withBench(t, nil, func(b *bench) {
		if _, err := Run(b.t.Context(), b.Guard, "jira.nothing", func(context.Context) (int, error) { return 0, nil }); err == nil {
			b.t.Error("no error")
		}
	})
}

func TestConcurrentCallsEachReportOneOutcome(t *testing.T) {
	const callers, each = 8, 50
	type callerKey struct{}
	var reported [callers]atomic.Int64
	g := circuitGuard(t)
	g.report = func(ctx context.Context, _ Call) { reported[ctx.Value(callerKey{}).(int)].Add(1) }
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			ctx := context.WithValue(t.Context(), callerKey{}, i)
			for n := range each {
				_ = callWith(ctx, g, func(context.Context) error {
					if n%10 == 9 {
						return errDown
					}
					return nil
				})
			}
		})
	}
	all.Wait()
	for i := range reported {
		if n := reported[i].Load(); n != each {
			t.Errorf("caller %d: %d calls reported, want %d", i, n, each)
		}
	}
}
