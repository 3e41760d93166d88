package guard

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/afex/hystrix-go/hystrix"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// This file is the only one that imports hystrix-go. hystrix-go bounds one try
// in time and in number, and decides nothing: its circuit is neutralised, it has
// no fallback, and its metrics, which lag, are not read. scripts/mutate removes
// each work-around in turn, and a test must fail then.
//
// Never called: Flush, which leaks two goroutines a circuit; SetLogger, which
// races with every command; the stream handler, which panics if the writer has
// no CloseNotify. There is no fallback, because it would get a dead context, run
// next to a try that still runs, and turn the try's error into text.

const (
	// backStop is how long after the try's own context hystrix stops waiting.
	backStop = 50 * time.Millisecond
	// abandonAfter is how long a try is still waited for after that. One that
	// obeys its context ends well within it, even on a small function's share of
	// a processor.
	abandonAfter = 250 * time.Millisecond
)

// command is one operation's hystrix command. It is safe for concurrent use.
type command struct {
	name string
}

// registry makes looking up and configuring a command one step: hystrix keeps
// its commands in process-wide maps.
var registry sync.Mutex

// newCommand configures a command whose tries take at most timeout. It does so
// once, before the first use, which freezes the pool's size. Every value is
// explicit, because hystrix replaces a zero by its own default. A name that is
// known already must come with the same settings.
//
// hystrix's circuit must never open: it goes by a percentage over a fixed 10 s,
// counts rejections as errors and deadlines as nothing, and closes on a success
// that began before it opened.
func newCommand(name string, timeout time.Duration, pool int) (*command, error) {
	config := hystrix.CommandConfig{
		Timeout:               int((timeout + backStop).Milliseconds()),
		MaxConcurrentRequests: pool,
		// Its circuit opens at this many requests within 10 s if this percentage
		// of them failed.
		RequestVolumeThreshold: math.MaxInt32,
		ErrorPercentThreshold:  101,
		SleepWindow:            5000,
	}
	registry.Lock()
	defer registry.Unlock()
	if s := hystrix.GetCircuitSettings()[name]; s == nil {
		hystrix.ConfigureCommand(name, config)
	} else if !isSet(s, config) {
		return nil, fmt.Errorf("operation %q exists already, with a try timeout of %s and a pool of %d",
			name, s.Timeout-backStop, s.MaxConcurrentRequests)
	}
	if _, _, err := hystrix.GetCircuit(name); err != nil {
		return nil, fmt.Errorf("operation %q: %w", name, err)
	}
	return &command{name: name}, nil
}

func isSet(s *hystrix.Settings, c hystrix.CommandConfig) bool {
	return s.Timeout.Milliseconds() == int64(c.Timeout) &&
		s.MaxConcurrentRequests == c.MaxConcurrentRequests &&
		s.RequestVolumeThreshold == uint64(c.RequestVolumeThreshold) &&
		s.ErrorPercentThreshold == c.ErrorPercentThreshold
}

// tryError is the error of a try that did not return an error itself. Such a try
// is not repeated.
type tryError struct {
	error
	ran   bool   // the try began
	value any    // what it panicked with, if there is a stack
	stack []byte // of the panic
}

func (e *tryError) Unwrap() error { return e.error }

// neverRan reports whether err is that of a try that did not begin.
func neverRan(err error) bool {
	var broken *tryError
	return errors.As(err, &broken) && !broken.ran
}

type result[T any] struct {
	value T
	err   error
}

// execute makes one try, of at most timeout, and waits for its end, but not for
// ever: a try that ignores its context is abandoned as timed out, and keeps its
// slot. The result comes through a channel, because hystrix may leave two
// goroutines behind that would both write to captured variables. The error is
// that of fn or a *tryError.
func execute[T any](ctx context.Context, c *command, timeout time.Duration, s *slot, fn func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil { // hystrix might begin the try nevertheless
		return none, &tryError{error: err}
	}
	// hystrix only stops waiting: the try itself must end at its timeout.
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var begun atomic.Bool
	results := make(chan result[T], 1)
	s.hold()
	verdict := c.submit(ctx, func(ctx context.Context) {
		if begun.Swap(true) {
			return // abandoned before it began
		}
		r := recovered(ctx, fn)
		s.release() // first: the caller may be gone as soon as it has the result
		results <- r
	})
	if !begun.Swap(true) {
		s.release()
		return none, &tryError{error: notBegun(verdict)}
	}
	r, ended := await(results, abandonAfter)
	if !ended {
		return none, c.abandoned(ctx)
	}
	return r.value, r.err
}

// submit runs a try on hystrix's goroutine and returns hystrix's verdict. It
// returns after hystrix has its ticket back. DoC does not wait for that, so one
// sequential caller could overrun any pool. GoC is silent about a success, and
// reports a failure only when the ticket is back: so each try is a failure to
// it, which its neutralised circuit ignores.
func (c *command) submit(ctx context.Context, run func(context.Context)) error {
	return <-hystrix.GoC(ctx, c.name, func(ctx context.Context) error {
		run(ctx)
		return errEnded
	}, nil)
}

var errEnded = errors.New("try ended")

// recovered calls fn and turns its panic into an error. On hystrix's goroutine,
// where nobody recovers, a panic would end the process.
func recovered[T any](ctx context.Context, fn func(context.Context) (T, error)) (r result[T]) {
	defer func() {
		if v := recover(); v != nil {
			r.err = &tryError{error: &breaker.PanicError{Value: v}, ran: true, value: v, stack: debug.Stack()}
		}
	}()
	r.value, r.err = fn(ctx)
	return r
}

// await returns the result of a try that hystrix no longer waits for. A late
// result is still true. Without this wait the environment could freeze with the
// try running, to thaw in the next invocation.
func await[T any](results <-chan result[T], limit time.Duration) (r result[T], ended bool) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r = <-results:
		return r, true
	case <-timer.C:
		if len(results) > 0 { // both at once, as after a thaw
			return <-results, true
		}
		return r, false
	}
}

// abandoned returns the error of a try that outlived its context.
func (c *command) abandoned(ctx context.Context) error {
	cause := ctx.Err()
	if cause == nil { // hystrix's clock was first
		cause = context.DeadlineExceeded
	}
	return &tryError{error: fmt.Errorf("%s ignores its context: %w", c.name, cause), ran: true}
}

// notBegun returns why a try did not begin. A full pool is ErrBusy, which nobody
// takes for a failure of the dependency.
func notBegun(verdict error) error {
	switch verdict {
	case hystrix.ErrMaxConcurrency:
		return ErrBusy
	case hystrix.ErrTimeout:
		return context.DeadlineExceeded
	default:
		return verdict
	}
}
