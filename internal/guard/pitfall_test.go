package guard

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/afex/hystrix-go/hystrix"
	metricCollector "github.com/afex/hystrix-go/hystrix/metric_collector"
)

// A pitfall of hystrix-go is a rule that hystrix-go breaks and a Guard keeps.
type pitfall struct {
	// holds returns an error if a Guard breaks the rule.
	holds func(*testing.T) error
	// naive returns the error that shows hystrix-go, used as its README says,
	// breaking the rule. It is nil where the work-around is a line of hystrix.go:
	// scripts/mutate removes that line, and holds must then fail.
	naive func(*testing.T) error
}

var pitfalls = map[string]pitfall{
	"a try's context ends at its timeout":                       {contextEnds, nil},
	"a call returns after its try has ended":                    {tryEndsFirst, nil},
	"a panic in a try leaves the process alive":                 {panicLeavesProcessAlive, nil},
	"hystrix's own circuit never opens":                         {hystrixNeverOpens, nil},
	"one sequential caller never overruns a pool of one":        {ticketIsBackInTime, nil},
	"a full pool is an answer of ours, not of the dependency's": {fullPoolIsBusy, nil},
	"tries that ignore their timeout stay bounded in number":    either(timedOutTriesStayBounded),
	"deadlines open the circuit":                                either(deadlinesOpen),
	"rejections do not open a healthy dependency's circuit":     either(rejectionsDoNotOpen),
	"a success begun before the opening does not close":         either(lateSuccessDoesNotClose),
	"failures are counted, not weighed against successes":       either(failuresAreCounted),
	"the caller gets the try's own error":                       either(errorIsTheTrys),
	"no answer comes while something of the call still runs":    either(nothingRunsAfterwards),
	"a substitute answer is made with a live context":           either(substituteHasLiveContext),
	"circuits do not pile up goroutines":                        either(circuitsDoNotPileUp),
	"a call is reported when it returns":                        either(reportIsSynchronous),
	"the configured pool is the one in use":                     either(poolIsConfigured),
	"the configured timeout is the one in use":                  either(timeoutIsConfigured),
	"nothing that leaks, races or panics is called":             either(onlySafeFunctionsAreCalled),
}

func either(rule func(t *testing.T, naive bool) error) pitfall {
	return pitfall{
		holds: func(t *testing.T) error { return rule(t, false) },
		naive: func(t *testing.T) error { return rule(t, true) },
	}
}

func TestPitfalls(t *testing.T) {
	for rule, p := range pitfalls {
		t.Run(rule, func(t *testing.T) {
			if err := p.holds(t); err != nil {
				t.Error(err)
			}
			if p.naive != nil && p.naive(t) == nil {
				t.Error("hystrix-go keeps the rule by itself: the test proves nothing, or the work-around is not needed")
			}
		})
	}
}

// ticketCalls is 3,000 in a usual run. The race is between two threads, and it
// takes up to a million calls to meet it.
var ticketCalls = flag.Int("ticket.calls", 3000, "sequential calls in search of a ticket that comes back late")

const tryTimeout = time.Second

var names atomic.Int64

// freshName returns a name that hystrix's process-wide maps have not seen, even
// if a test runs more than once.
func freshName(t *testing.T) string {
	return fmt.Sprintf("%s#%d", t.Name(), names.Add(1))
}

func freshCommand(t *testing.T, pool int) *command {
	t.Helper()
	c, err := newCommand(freshName(t), tryTimeout, pool)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// inBubble runs f in fake time and returns its error. Commands must be made
// outside: hystrix's goroutines never end.
func inBubble(t *testing.T, f func(ctx context.Context) error) (err error) {
	synctest.Test(t, func(t *testing.T) {
		err = f(t.Context())
		time.Sleep(time.Minute) // for what f left behind: fake time stops with it
	})
	return err
}

// tryOnce makes one try in its own slot.
func tryOnce(ctx context.Context, c *command, fn func(context.Context) error) error {
	return tryIn(ctx, newBulkhead(1), c, fn)
}

func tryIn(ctx context.Context, b bulkhead, c *command, fn func(context.Context) error) error {
	s, err := b.enter()
	if err != nil {
		return err
	}
	defer s.release()
	_, err = execute(ctx, c, tryTimeout, s, func(ctx context.Context) (struct{}, error) { return struct{}{}, fn(ctx) })
	return err
}

func succeed(context.Context) error { return nil }

func contextEnds(t *testing.T) error {
	c := freshCommand(t, 1)
	return inBubble(t, func(ctx context.Context) error {
		release := make(chan struct{})
		defer close(release)
		seen := make(chan context.Context, 1)
		_ = tryOnce(ctx, c, func(ctx context.Context) error { seen <- ctx; <-release; return nil })
		if (<-seen).Err() == nil {
			return errors.New("the call has timed out and its try's context goes on")
		}
		return nil
	})
}

func tryEndsFirst(t *testing.T) error {
	c := freshCommand(t, 1)
	return inBubble(t, func(ctx context.Context) error {
		var ended atomic.Bool
		_ = tryOnce(ctx, c, func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(abandonAfter / 2) // closing connections and the like
			ended.Store(true)
			return ctx.Err()
		})
		if !ended.Load() {
			return errors.New("the call has returned and its try runs on")
		}
		return nil
	})
}

func timedOutTriesStayBounded(t *testing.T, naive bool) error {
	c := freshCommand(t, 1)
	b := newBulkhead(1)
	return inBubble(t, func(ctx context.Context) error {
		release := make(chan struct{})
		defer close(release)
		var running atomic.Int32
		for range 20 {
			if naive {
				b = newBulkhead(1) // only hystrix's pool is left
			}
			_ = tryIn(ctx, b, c, func(context.Context) error { running.Add(1); <-release; return nil })
		}
		if n := running.Load(); n > 1 {
			return fmt.Errorf("%d tries at once", n)
		}
		return nil
	})
}

// panicChild makes this test's binary the process that panics.
const panicChild = "GUARD_TEST_PANIC"

func TestMain(m *testing.M) {
	if os.Getenv(panicChild) != "" {
		callThatPanics()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func callThatPanics() {
	defer func() { _ = recover() }()
	g, err := New(Config{TryTimeout: tryTimeout, Operations: []string{"child"}})
	if err != nil {
		os.Exit(1)
	}
	_, _ = Run(context.Background(), g, "child", func(context.Context) (int, error) { panic("child panics") })
}

func panicLeavesProcessAlive(t *testing.T) error {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), panicChild+"=true")
	output, err := child.CombinedOutput()
	if err != nil && !strings.Contains(string(output), "panic: child panics") {
		t.Fatalf("child: %v\n%s", err, output)
	}
	return err
}

// hystrixNeverOpens makes more failing tries than hystrix's own circuit bears,
// and waits for its metrics, which lag.
func hystrixNeverOpens(t *testing.T) error {
	c := freshCommand(t, 1)
	circuit, _, _ := hystrix.GetCircuit(c.name)
	for range 100 {
		_ = tryOnce(t.Context(), c, func(context.Context) error { return errors.New("down") })
	}
	for range 100 {
		if circuit.IsOpen() {
			return errors.New("hystrix's circuit is open")
		}
		time.Sleep(time.Millisecond)
	}
	return tryOnce(t.Context(), c, succeed)
}

func failuresAreCounted(t *testing.T, naive bool) error {
	call := decider(t, naive)
	for i := range 100 {
		_ = call(t.Context(), func(context.Context) error {
			if i%20 == 19 {
				return errors.New("down")
			}
			return nil
		})
	}
	return mustReject(call)
}

func deadlinesOpen(t *testing.T, naive bool) error {
	call := decider(t, naive)
	for range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_ = call(ctx, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		cancel()
	}
	return mustReject(call)
}

func lateSuccessDoesNotClose(t *testing.T, naive bool) error {
	call := decider(t, naive)
	begun, finish, finished := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		finished <- call(t.Context(), func(context.Context) error { close(begun); <-finish; return nil })
	}()
	<-begun
	within(t, "the circuit opens", func() bool {
		return isRejection(call(t.Context(), func(context.Context) error { return errors.New("down") }))
	})
	close(finish)
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	if naive {
		within(t, "hystrix digests the success", func() bool { return mustReject(call) != nil })
	}
	return mustReject(call)
}

func rejectionsDoNotOpen(t *testing.T, naive bool) error {
	call := hystrixAlone(t, 1)
	if !naive {
		c := freshCommand(t, 1)
		call = func(ctx context.Context, fn func(context.Context) error) error { return tryOnce(ctx, c, fn) }
	}
	begun, finish, finished := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		finished <- call(t.Context(), func(context.Context) error { close(begun); <-finish; return nil })
	}()
	<-begun
	for range 30 {
		_ = call(t.Context(), succeed)
	}
	if naive {
		within(t, "hystrix digests the rejections", func() bool {
			return errors.Is(call(t.Context(), succeed), hystrix.ErrCircuitOpen)
		})
	}
	err := call(t.Context(), succeed)
	close(finish)
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	if errors.Is(err, hystrix.ErrCircuitOpen) {
		return errors.New("open, and the dependency never failed")
	}
	if !errors.Is(err, ErrBusy) {
		t.Fatalf("err = %v, want the pool to be full", err)
	}
	return call(t.Context(), succeed)
}

func errorIsTheTrys(t *testing.T, naive bool) error {
	c := freshCommand(t, 1)
	down := errors.New("down")
	fail := func(context.Context) error { return fmt.Errorf("call: %w", down) }
	err := tryOnce(t.Context(), c, fail)
	if naive {
		err = hystrix.DoC(t.Context(), c.name, fail, func(_ context.Context, err error) error { return err })
	}
	if !errors.Is(err, down) {
		return fmt.Errorf("%q has lost what it was", err)
	}
	return nil
}

func nothingRunsAfterwards(t *testing.T, naive bool) error {
	c := freshCommand(t, 1)
	return inBubble(t, func(ctx context.Context) error {
		if !naive {
			var running atomic.Bool
			_ = tryOnce(ctx, c, func(ctx context.Context) error {
				running.Store(true)
				defer running.Store(false)
				<-ctx.Done()
				return nil
			})
			if running.Load() {
				return errors.New("answered while the try runs")
			}
			return nil
		}
		began, release := make(chan struct{}), make(chan struct{})
		defer close(release)
		var running atomic.Bool
		err := hystrix.DoC(ctx, c.name,
			func(context.Context) error { <-began; return nil },
			func(context.Context, error) error {
				running.Store(true)
				close(began)
				<-release
				return errors.New("down")
			})
		if err == nil && running.Load() {
			return errors.New("answered with success while the fallback fails")
		}
		return nil
	})
}

func substituteHasLiveContext(t *testing.T, naive bool) error {
	c := freshCommand(t, 1)
	return inBubble(t, func(ctx context.Context) error {
		wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		if !naive {
			_ = tryOnce(ctx, c, wait)
			return ctx.Err() // with which the caller goes on
		}
		ctx, cancel := context.WithTimeout(ctx, tryTimeout)
		defer cancel()
		var dead error
		_ = hystrix.DoC(ctx, c.name, wait, func(ctx context.Context, _ error) error { dead = ctx.Err(); return dead })
		return dead
	})
}

func circuitsDoNotPileUp(t *testing.T, naive bool) error {
	name, before := freshName(t), runtime.NumGoroutine()
	for range 50 {
		g, err := New(Config{TryTimeout: tryTimeout, Operations: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Run(t.Context(), g, name, func(context.Context) (int, error) { return 0, nil }); err != nil {
			t.Fatal(err)
		}
		if naive {
			hystrix.Flush()
		}
	}
	if after := runtime.NumGoroutine(); after > before+50 {
		return fmt.Errorf("%d goroutines, %d before", after, before)
	}
	return nil
}

// counter counts the calls that hystrix reports to a metric collector.
type counter struct{ calls atomic.Int64 }

func (c *counter) Update(metricCollector.MetricResult) { c.calls.Add(1) }
func (c *counter) Reset()                              {}

func reportIsSynchronous(t *testing.T, naive bool) error {
	name := freshName(t)
	var hystrixes counter
	metricCollector.Registry.Register(func(circuit string) metricCollector.MetricCollector {
		if circuit == name {
			return &hystrixes
		}
		return new(counter)
	})
	var ours atomic.Int64
	g, err := New(Config{
		TryTimeout: tryTimeout, Operations: []string{name},
		Report: func(context.Context, Call) { ours.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	reported := &ours
	if naive {
		reported = &hystrixes.calls
	}
	for i := range int64(200) {
		_, _ = Run(t.Context(), g, name, func(context.Context) (int, error) { return 0, nil })
		if n := reported.Load(); n != i+1 {
			return fmt.Errorf("%d calls made, %d reported", i+1, n)
		}
	}
	return nil
}

func poolIsConfigured(t *testing.T, naive bool) error {
	const pool = 15 // hystrix's default is 10
	c := &command{name: freshName(t)}
	if naive {
		_, _, _ = hystrix.GetCircuit(c.name) // the first use
		hystrix.ConfigureCommand(c.name, hystrix.CommandConfig{MaxConcurrentRequests: pool})
	} else {
		c = freshCommand(t, pool)
	}
	return inBubble(t, func(ctx context.Context) error {
		var errs [pool]error
		var calls sync.WaitGroup
		for i := range pool {
			calls.Go(func() {
				errs[i] = tryOnce(ctx, c, func(context.Context) error { time.Sleep(tryTimeout / 2); return nil })
			})
		}
		calls.Wait()
		return errors.Join(errs[:]...)
	})
}

func timeoutIsConfigured(t *testing.T, naive bool) error {
	const timeout = 4 * time.Second // hystrix's default is 1 s
	c := &command{name: freshName(t)}
	if naive {
		_, _, _ = hystrix.GetCircuit(c.name)
	} else if _, err := newCommand(c.name, timeout, 1); err != nil {
		t.Fatal(err)
	}
	s, _ := newBulkhead(1).enter()
	return inBubble(t, func(ctx context.Context) error {
		_, err := execute(ctx, c, timeout, s, func(context.Context) (int, error) { time.Sleep(timeout / 2); return 0, nil })
		return err
	})
}

func onlySafeFunctionsAreCalled(t *testing.T, naive bool) error {
	source, err := os.ReadFile("hystrix.go")
	if err != nil {
		t.Fatal(err)
	}
	if naive {
		source = append(source, "\nfunc reset() { hystrix.Flush() }\n"...)
	}
	return checkUse(filepath.Join("guard", "hystrix.go"), source)
}

func ticketIsBackInTime(t *testing.T) error {
	c := freshCommand(t, 1)
	if *ticketCalls > 100_000 { // a machine with one processor switches threads too
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	}
	for i := range *ticketCalls {
		if err := tryOnce(t.Context(), c, succeed); err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
	}
	return nil
}

func fullPoolIsBusy(t *testing.T) error {
	c := freshCommand(t, 1)
	return inBubble(t, func(ctx context.Context) error {
		first := make(chan error)
		go func() {
			first <- tryOnce(ctx, c, func(context.Context) error { time.Sleep(tryTimeout / 2); return nil })
		}()
		synctest.Wait()
		err := tryOnce(ctx, c, succeed)
		if ended := <-first; ended != nil {
			return ended
		}
		if !errors.Is(err, ErrBusy) {
			return fmt.Errorf("%q, want ErrBusy", err)
		}
		return nil
	})
}
