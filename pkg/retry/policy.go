package retry

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Strategy is how the delay grows from one retry to the next.
type Strategy string

const (
	// Exponential doubles the delay with every retry. It is what an empty
	// Strategy means.
	Exponential Strategy = "exponential"
	// Fixed waits BaseDelay before every retry.
	Fixed Strategy = "fixed"
)

// Limits of a Policy. No process that answers one request lives longer than
// the 15 minutes a Lambda function may run.
const (
	MaxRetries  = 20
	MaxDuration = 15 * time.Minute
)

// Policy says how often, and after what delays, a failed call is made again.
// The zero Policy makes one try.
type Policy struct {
	// MaxAttempts is the number of retries after the first try, 0 to
	// MaxRetries.
	MaxAttempts int
	// BaseDelay is the delay before the first retry, and MaxDelay the longest
	// before any: 0 to MaxDuration, BaseDelay no more than MaxDelay.
	BaseDelay, MaxDelay time.Duration
	// Strategy is Exponential or Fixed.
	Strategy Strategy
	// Jitter multiplies each delay by a random factor from 0.7 to 1.3, so that
	// callers who failed together do not come back together. MaxDelay caps the
	// product.
	Jitter bool
	// Reserve is kept free before the context's deadline, for what the caller
	// has to do with the result: no retry begins after it. 0 to MaxDuration.
	Reserve time.Duration
}

// Jitter's factors. Atlassian, for one, asks its clients for these.
const (
	leastJitter = 0.7
	mostJitter  = 1.3
)

// Validate reports every field that is out of its range, joined.
func (p Policy) Validate() error {
	var errs []error
	check := func(field string, value, high time.Duration) {
		if value < 0 || value > high {
			errs = append(errs, fmt.Errorf("%s %s: want 0 to %s", field, value, high))
		}
	}
	if p.MaxAttempts < 0 || p.MaxAttempts > MaxRetries {
		errs = append(errs, fmt.Errorf("max_attempts %d: want 0 to %d", p.MaxAttempts, MaxRetries))
	}
	check("max_delay", p.MaxDelay, MaxDuration)
	check("base_delay", p.BaseDelay, max(p.MaxDelay, 0))
	check("reserve", p.Reserve, MaxDuration)
	switch p.Strategy {
	case "", Exponential, Fixed:
	default:
		errs = append(errs, fmt.Errorf("strategy %q: want %q or %q", p.Strategy, Exponential, Fixed))
	}
	if len(errs) > 0 {
		return fmt.Errorf("retry policy: %w", errors.Join(errs...))
	}
	return nil
}

// Delay gives the back-off before a retry, the first being number 0, for a
// random number r from 0 to 1: r is where in the jitter's range the factor
// lies, 1 being the longest. The delay is never negative and never more than
// MaxDelay, whatever the arguments.
func (p Policy) Delay(retry int, r float64) time.Duration {
	// In floating point a shift too far is infinite rather than negative.
	delay := float64(p.BaseDelay)
	if p.Strategy != Fixed {
		delay = math.Ldexp(delay, max(retry, 0))
	}
	if p.Jitter {
		r = min(max(r, 0), 1)
		delay *= leastJitter + (mostJitter-leastJitter)*r
	}
	if delay >= float64(p.MaxDelay) {
		return max(p.MaxDelay, 0)
	}
	if !(delay > 0) { // NaN too
		return 0
	}
	return time.Duration(math.Round(delay))
}
