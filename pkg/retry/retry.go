package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Options of Do. The zero Options retry every error until the context ends.
type Options struct {
	// Retryable reports whether the call may be tried again after err. Default:
	// always.
	Retryable func(err error) bool
	// Continue is called after each back-off, before the next try. If it
	// returns an error, Do makes no further try and returns the last try's own
	// error.
	Continue func(ctx context.Context) error
	// OnRetry is called before each back-off with the number of the retry that
	// follows (the first is 1), the delay, and the error of the last try.
	OnRetry func(ctx context.Context, retry int, delay time.Duration, err error)
	// Sleep waits for d, or returns ctx's error as soon as ctx ends. Default: a
	// timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Rand returns uniform numbers from 0 to 1 and is safe for concurrent use.
	// Default: math/rand/v2.
	Rand func() float64
}

// Do calls fn until it succeeds or no further try is possible: the error is not
// retryable, the retries are used up, ctx has ended, or the next delay would
// end within p.Reserve before ctx's deadline. In the last case Do returns
// without waiting. It returns the number of tries, at least 1, and the error of
// the last one.
//
// An error with a method RetryAfter() time.Duration, at any depth of wrapping,
// sets a minimum for the next delay. Neither jitter nor MaxDelay shortens it, so
// give ctx a deadline.
//
// If ctx ends during a back-off, the error wraps both the last try's error and
// ctx's.
func Do(ctx context.Context, p Policy, o Options, fn func(context.Context) error) (tries int, err error) {
	o = o.withDefaults()
	for {
		err = fn(ctx)
		tries++
		if err == nil || tries > p.MaxRetries || ctx.Err() != nil || !o.Retryable(err) {
			return tries, err
		}
		delay := max(p.Delay(tries-1, o.Rand()), retryAfter(err))
		if left, bounded := timeLeft(ctx); bounded && delay > left-p.Reserve {
			return tries, err
		}
		o.OnRetry(ctx, tries, delay, err)
		if ended := o.Sleep(ctx, delay); ended != nil {
			return tries, fmt.Errorf("%w (waiting to retry: %w)", err, ended)
		}
		if o.Continue(ctx) != nil {
			return tries, err
		}
	}
}

func (o Options) withDefaults() Options {
	if o.Retryable == nil {
		o.Retryable = func(error) bool { return true }
	}
	if o.Continue == nil {
		o.Continue = func(context.Context) error { return nil }
	}
	if o.OnRetry == nil {
		o.OnRetry = func(context.Context, int, time.Duration, error) {}
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	return o
}

func retryAfter(err error) time.Duration {
	var asks interface{ RetryAfter() time.Duration }
	if !errors.As(err, &asks) {
		return 0
	}
	return asks.RetryAfter()
}

func timeLeft(ctx context.Context) (left time.Duration, bounded bool) {
	deadline, bounded := ctx.Deadline()
	return time.Until(deadline), bounded
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() // both may be ready at once
	case <-ctx.Done():
		return ctx.Err()
	}
}
