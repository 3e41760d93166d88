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

// This file is all that knows hystrix-go, which here bounds one try in time and
// in number and decides nothing: its circuit is neutralised, it is given no
// fallback, its metrics, which lag, are not read. Each work-around has a test
// that fails without it.
//
// Never called: Flush, which leaks two goroutines a circuit; SetLogger, which
// races with every command; the stream handler, which panics where the writer
// has no CloseNotify. There is no fallback because it would be handed a dead
// context, run beside a try that still runs, and turn the try's error into text.

const (
	// backStop is how long after the try's own context hystrix gives up on it.
	backStop = 50 * time.Millisecond
	// patience is how long a try is waited for once hystrix has given up on it.
	// One that obeys its context ends well within it, even on a small function's
	// share of a processor.
	patience = 250 * time.Millisecond
)

// switchedOff names the work-arounds that a test does without, to show that
// each is needed. The zero value, all of them at work, is what runs.
type switchedOff struct {
	// neutral: hystrix's circuit never opens. It goes by a percentage over a
	// fixed 10 s, counts rejections as errors and deadlines as nothing, and
	// closes on a success that began before it opened.
	neutral bool
	// deadline: the try's context ends at its timeout. hystrix only stops
	// waiting.
	deadline bool
	// wait: a call returns after its try has ended. hystrix returns first, and
	// the environment may freeze with the try running, to thaw in the next
	// invocation.
	wait bool
	// recovery: a panic is handed to the caller's goroutine. On hystrix's own,
	// where nobody recovers, it ends the process.
	recovery bool
	// ticket: a call returns after hystrix has its ticket back. Its DoC does
	// not wait for that, so that one sequential caller can overrun any pool.
	ticket bool
	// busy: a full pool is ErrBusy, which nobody takes for a failure of the
	// dependency.
	busy bool
}

// command is one operation's hystrix command. Safe for concurrent use.
type command struct {
	name string
	off  switchedOff
}

// registry makes looking a command up and configuring it one step: hystrix
// keeps its commands in process-wide maps.
var registry sync.Mutex

// newCommand configures the command, whose tries take at most timeout, once and
// before its first use, which freezes the pool's size. Every value is explicit,
// since hystrix takes a zero for a default of its own. A name that is known
// already must come with the same settings.
func newCommand(name string, timeout time.Duration, pool int, off switchedOff) (*command, error) {
	config := hystrix.CommandConfig{
		Timeout:               int((timeout + backStop).Milliseconds()),
		MaxConcurrentRequests: pool,
		// It opens once so many requests were made within 10 s and so many of a
		// hundred failed.
		RequestVolumeThreshold: math.MaxInt32,
		ErrorPercentThreshold:  101,
		SleepWindow:            5000,
	}
	if off.neutral {
		config.RequestVolumeThreshold, config.ErrorPercentThreshold = 20, 50
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
	return &command{name: name, off: off}, nil
}

func isSet(s *hystrix.Settings, c hystrix.CommandConfig) bool {
	return s.Timeout.Milliseconds() == int64(c.Timeout) &&
		s.MaxConcurrentRequests == c.MaxConcurrentRequests &&
		s.RequestVolumeThreshold == uint64(c.RequestVolumeThreshold) &&
		s.ErrorPercentThreshold == c.ErrorPercentThreshold
}

// brokenTry is the error of a try that did not end with an error of its own.
// Such a try is not repeated.
type brokenTry struct {
	error
	ran   bool   // the try began
	value any    // what it panicked with, if there is a stack
	stack []byte // where
}

func (b *brokenTry) Unwrap() error { return b.error }

func neverRan(err error) bool {
	var broken *brokenTry
	return errors.As(err, &broken) && !broken.ran
}

type outcome[T any] struct {
	value T
	err   error
}

// execute makes one try, of at most timeout, and waits for its end, though not
// for ever: a try that ignores its context is given up as timed out, and keeps
// its slot. The result comes through a channel, because hystrix may leave two
// goroutines behind that would both write to captured variables. The error is
// fn's own or a *brokenTry.
func execute[T any](ctx context.Context, c *command, timeout time.Duration, s *slot, fn func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil { // hystrix might begin the try all the same
		return none, &brokenTry{error: err}
	}
	if !c.off.deadline {
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = bounded
	}
	var begun atomic.Bool
	result := make(chan outcome[T], 1)
	s.hold()
	verdict := c.submit(ctx, func(ctx context.Context) error {
		if begun.Swap(true) {
			return context.Canceled // given up before it began
		}
		o := outcomeOf(ctx, fn, c.off.recovery)
		s.release() // first: the caller may be gone as soon as it has the result
		result <- o
		return o.err
	})
	if !begun.Swap(true) {
		s.release()
		return none, &brokenTry{error: c.refusal(verdict)}
	}
	o, ended := await(c, result)
	if !ended {
		return none, c.givenUp(ctx)
	}
	return o.value, o.err
}

// submit runs a try on hystrix's goroutine and returns hystrix's verdict.
func (c *command) submit(ctx context.Context, run func(context.Context) error) error {
	if c.off.ticket {
		return hystrix.DoC(ctx, c.name, run, nil)
	}
	// GoC says nothing of a success, and of a failure only when the ticket is
	// back. So each try is a failure to it, which its neutral circuit ignores.
	return <-hystrix.GoC(ctx, c.name, func(ctx context.Context) error {
		_ = run(ctx)
		return errEnded
	}, nil)
}

var errEnded = errors.New("try ended")

// outcomeOf calls fn, turning a panic, unless it is to be fatal, into an error.
func outcomeOf[T any](ctx context.Context, fn func(context.Context) (T, error), fatal bool) (o outcome[T]) {
	if !fatal {
		defer func() {
			if v := recover(); v != nil {
				o.err = &brokenTry{error: &breaker.PanicError{Value: v}, ran: true, value: v, stack: debug.Stack()}
			}
		}()
	}
	o.value, o.err = fn(ctx)
	return o
}

// await gives the outcome of a try that hystrix no longer waits for. One that
// comes late is still the truth.
func await[T any](c *command, result <-chan outcome[T]) (o outcome[T], ended bool) {
	limit := patience
	if c.off.wait {
		limit = 0
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case o = <-result:
		return o, true
	case <-timer.C:
		if len(result) > 0 { // both at once, as after a thaw
			return <-result, true
		}
		return o, false
	}
}

// givenUp is the error of a try that outlived its context.
func (c *command) givenUp(ctx context.Context) error {
	cause := ctx.Err()
	if cause == nil { // hystrix's clock was the first
		cause = context.DeadlineExceeded
	}
	return &brokenTry{error: fmt.Errorf("%s ignores its context: %w", c.name, cause), ran: true}
}

// refusal is why a try did not begin.
func (c *command) refusal(verdict error) error {
	switch {
	case verdict == hystrix.ErrMaxConcurrency && !c.off.busy:
		return ErrBusy
	case verdict == hystrix.ErrTimeout:
		return context.DeadlineExceeded
	default:
		return verdict
	}
}
