package guard

import (
	"context"
	"errors"
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

// A pitfall of hystrix-go is a property that it breaks. Each is checked twice:
// with everything at work the property holds, and without its own work-around
// it does not. Where the work-around is to abstain from something, being
// without it is to do that thing.
var pitfalls = map[string]func(t *testing.T, without bool) error{
	"a try's context ends at its timeout":                       contextEnds,
	"a call returns after its try has ended":                    tryEndsFirst,
	"tries that ignore their timeout stay bounded in number":    timedOutTriesStayBounded,
	"a panic in a try leaves the process alive":                 panicLeavesProcessAlive,
	"deadlines open the circuit":                                deadlinesOpen,
	"rejections do not open a healthy dependency's circuit":     rejectionsDoNotOpen,
	"a success begun before the opening does not close":         lateSuccessDoesNotClose,
	"failures are counted, not weighed against successes":       failuresAreCounted,
	"the caller gets the try's own error":                       errorIsTheTrys,
	"no answer comes while something of the call still runs":    nothingRunsAfterwards,
	"a substitute answer is made with a live context":           substituteHasLiveContext,
	"circuits do not pile up goroutines":                        circuitsDoNotPileUp,
	"a call is reported when it returns":                        reportIsSynchronous,
	"the configured pool is the one in use":                     poolIsConfigured,
	"the configured timeout is the one in use":                  timeoutIsConfigured,
	"nothing that leaks, races or panics is called":             onlySafeFunctionsAreCalled,
	"one sequential caller never overruns a pool of one":        ticketIsBackInTime,
	"a full pool is an answer of ours, not of the dependency's": fullPoolIsBusy,
}

func TestPitfalls(t *testing.T) {
	for rule, holds := range pitfalls {
		t.Run(rule, func(t *testing.T) {
			if err := holds(t, false); err != nil {
				t.Errorf("with all work-arounds: %v", err)
			}
			if err := holds(t, true); err == nil {
				t.Error("holds without its work-around too: the test proves nothing, or the work-around is not needed")
			}
		})
	}
}

const tryTimeout = time.Second

var names atomic.Int64

// freshName gives a name that hystrix's process-wide maps have not seen, also
// where a test runs more than once.
func freshName(t *testing.T) string {
	return fmt.Sprintf("%s#%d", t.Name(), names.Add(1))
}

func freshCommand(t *testing.T, pool int, off switchedOff) *command {
	t.Helper()
	c, err := newCommand(freshName(t), tryTimeout, pool, off)
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

// tryOnce makes one try in a slot of its own.
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

func contextEnds(t *testing.T, without bool) error {
	c := freshCommand(t, 1, switchedOff{deadline: without})
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

func tryEndsFirst(t *testing.T, without bool) error {
	c := freshCommand(t, 1, switchedOff{wait: without})
	return inBubble(t, func(ctx context.Context) error {
		var ended atomic.Bool
		_ = tryOnce(ctx, c, func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(patience / 2) // closing connections and the like
			ended.Store(true)
			return ctx.Err()
		})
		if !ended.Load() {
			return errors.New("the call has returned and its try runs on")
		}
		return nil
	})
}

func timedOutTriesStayBounded(t *testing.T, without bool) error {
	c := freshCommand(t, 1, switchedOff{})
	b := newBulkhead(1)
	return inBubble(t, func(ctx context.Context) error {
		release := make(chan struct{})
		defer close(release)
		var running atomic.Int32
		for range 20 {
			if without {
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
const panicChild = "GUARD_TEST_PANIC_WITHOUT"

func TestMain(m *testing.M) {
	if without := os.Getenv(panicChild); without != "" {
		callThatPanics(without == "true")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func callThatPanics(without bool) {
	defer func() { _ = recover() }()
	g, err := newGuard(Config{TryTimeout: tryTimeout, Operations: []string{"child"}}, switchedOff{recovery: without})
	if err != nil {
		os.Exit(1)
	}
	_, _ = Run(context.Background(), g, "child", func(context.Context) (int, error) { panic("child panics") })
}

func panicLeavesProcessAlive(t *testing.T, without bool) error {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%t", panicChild, without))
	output, err := child.CombinedOutput()
	if err != nil && !strings.Contains(string(output), "panic: child panics") {
		t.Fatalf("child: %v\n%s", err, output)
	}
	return err
}

func failuresAreCounted(t *testing.T, without bool) error {
	g := decidingGuard(t, without)
	for i := range 100 {
		_ = call(g, func(context.Context) error {
			if i%20 == 19 {
				return errors.New("down")
			}
			return nil
		})
	}
	return mustReject(g)
}

func deadlinesOpen(t *testing.T, without bool) error {
	g := decidingGuard(t, without)
	for range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_ = callWith(ctx, g, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		cancel()
	}
	return mustReject(g)
}

func lateSuccessDoesNotClose(t *testing.T, without bool) error {
	g := decidingGuard(t, without)
	begun, finish, finished := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		finished <- call(g, func(context.Context) error { close(begun); <-finish; return nil })
	}()
	<-begun
	within(t, "the circuit opens", func() bool {
		return isRejection(call(g, func(context.Context) error { return errors.New("down") }))
	})
	close(finish)
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	if without {
		within(t, "hystrix digests the success", func() bool { return mustReject(g) != nil })
	}
	return mustReject(g)
}

func rejectionsDoNotOpen(t *testing.T, without bool) error {
	c := freshCommand(t, 1, switchedOff{neutral: without, ticket: without})
	begun, finish, finished := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		finished <- tryOnce(t.Context(), c, func(context.Context) error { close(begun); <-finish; return nil })
	}()
	<-begun
	for range 30 {
		_ = tryOnce(t.Context(), c, succeed)
	}
	if without {
		circuit, _, _ := hystrix.GetCircuit(c.name)
		within(t, "hystrix digests the rejections", circuit.IsOpen)
	}
	err := tryOnce(t.Context(), c, succeed)
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
	return tryOnce(t.Context(), c, succeed)
}

func errorIsTheTrys(t *testing.T, without bool) error {
	c := freshCommand(t, 1, switchedOff{})
	down := errors.New("down")
	fail := func(context.Context) error { return fmt.Errorf("call: %w", down) }
	err := tryOnce(t.Context(), c, fail)
	if without {
		err = hystrix.DoC(t.Context(), c.name, fail, func(_ context.Context, err error) error { return err })
	}
	if !errors.Is(err, down) {
		return fmt.Errorf("%q has lost what it was", err)
	}
	return nil
}

func nothingRunsAfterwards(t *testing.T, without bool) error {
	c := freshCommand(t, 1, switchedOff{})
	return inBubble(t, func(ctx context.Context) error {
		if !without {
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

func substituteHasLiveContext(t *testing.T, without bool) error {
	c := freshCommand(t, 1, switchedOff{})
	return inBubble(t, func(ctx context.Context) error {
		wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		if !without {
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

func circuitsDoNotPileUp(t *testing.T, without bool) error {
	name, before := freshName(t), runtime.NumGoroutine()
	for range 50 {
		g, err := New(Config{TryTimeout: tryTimeout, Operations: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Run(t.Context(), g, name, func(context.Context) (int, error) { return 0, nil }); err != nil {
			t.Fatal(err)
		}
		if without {
			hystrix.Flush()
		}
	}
	if after := runtime.NumGoroutine(); after > before+50 {
		return fmt.Errorf("%d goroutines, %d before", after, before)
	}
	return nil
}

// counter counts the calls that hystrix tells a metric collector of.
type counter struct{ calls atomic.Int64 }

func (c *counter) Update(metricCollector.MetricResult) { c.calls.Add(1) }
func (c *counter) Reset()                              {}

func reportIsSynchronous(t *testing.T, without bool) error {
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
	if without {
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

func poolIsConfigured(t *testing.T, without bool) error {
	const pool = 15 // hystrix's default is 10
	c := &command{name: freshName(t)}
	if without {
		_, _, _ = hystrix.GetCircuit(c.name) // the first use
		hystrix.ConfigureCommand(c.name, hystrix.CommandConfig{MaxConcurrentRequests: pool})
	} else {
		c = freshCommand(t, pool, switchedOff{})
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

func timeoutIsConfigured(t *testing.T, without bool) error {
	const timeout = 4 * time.Second // hystrix's default is 1 s
	c := &command{name: freshName(t)}
	if without {
		_, _, _ = hystrix.GetCircuit(c.name)
	} else if _, err := newCommand(c.name, timeout, 1, switchedOff{}); err != nil {
		t.Fatal(err)
	}
	s, _ := newBulkhead(1).enter()
	return inBubble(t, func(ctx context.Context) error {
		_, err := execute(ctx, c, timeout, s, func(context.Context) (int, error) { time.Sleep(timeout / 2); return 0, nil })
		return err
	})
}

func onlySafeFunctionsAreCalled(t *testing.T, without bool) error {
	source, err := os.ReadFile("hystrix.go")
	if err != nil {
		t.Fatal(err)
	}
	if without {
		source = append(source, "\nfunc reset() { hystrix.Flush() }\n"...)
	}
	return checkUse(filepath.Join("guard", "hystrix.go"), source)
}

func ticketIsBackInTime(t *testing.T, without bool) error {
	c := freshCommand(t, 1, switchedOff{ticket: without})
	calls := 3000
	if without {
		// The race is between two threads; a machine with one processor switches
		// between them too.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
		calls = 1_000_000
	}
	for i := range calls {
		if err := tryOnce(t.Context(), c, succeed); err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
	}
	return nil
}

func fullPoolIsBusy(t *testing.T, without bool) error {
	c := freshCommand(t, 1, switchedOff{busy: without})
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
