package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Options of a loop. The zero value retries every error but those of its own
// context.
type Options struct {
	// Retryable tells whether a retry may help against err and may be made at
	// all. Default: always.
	Retryable func(err error) bool
	// Continue is asked after each back-off, before the next try. A non-nil
	// error ends the loop; what Do returns is still the call's own last error,
	// which is what went wrong.
	Continue func(ctx context.Context) error
	// OnRetry is told, before each back-off, which retry it leads to (the first
	// is 1), how long it is, and what failed.
	OnRetry func(ctx context.Context, retry int, delay time.Duration, err error)
	// Sleep waits for d, or returns ctx's error as soon as that ends. Default: a
	// timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Rand gives uniform numbers from 0 to 1 and is safe for concurrent use.
	// Default: math/rand/v2.
	Rand func() float64
}

// Do calls fn until it succeeds, fails for good, or another try would be of no
// use: because p's retries are used up, because ctx ends, or because the wait
// would reach into p.Reserve before ctx's deadline. In the last case it returns
// at once instead of waiting in vain. It returns the number of tries made, at
// least 1, and the error of the last.
//
// An error with a method RetryAfter() time.Duration, at any depth, sets a
// minimum for the next delay that neither jitter nor MaxDelay shortens. Without
// a deadline such a wait is as long as the other side says: bound ctx.
//
// If ctx ends during a back-off, the error wraps both the last try's error and
// ctx's.
func Do(ctx context.Context, p Policy, o Options, fn func(context.Context) error) (tries int, err error) {
	o = o.withDefaults()
	for {
		err = fn(ctx)
		tries++
		if err == nil || tries > p.MaxAttempts || ctx.Err() != nil || !o.Retryable(err) {
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
