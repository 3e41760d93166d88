package retry

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Strategy says how the delay grows from one retry to the next.
type Strategy string

const (
	// Exponential doubles the delay with every retry. An empty Strategy means
	// Exponential.
	Exponential Strategy = "exponential"
	// Fixed waits BaseDelay before every retry.
	Fixed Strategy = "fixed"
)

// Limits of a Policy. A Lambda function runs for at most 15 minutes.
const (
	RetryLimit    = 20
	DurationLimit = 15 * time.Minute
)

// Policy says how many times, and after which delays, a failed call is tried
// again. The zero Policy makes one try.
type Policy struct {
	// MaxRetries is the maximum number of retries after the first try, 0 to
	// RetryLimit. Variables, parameters and documents call it max_attempts.
	MaxRetries int
	// BaseDelay is the delay before the first retry, and MaxDelay the longest
	// delay before any: 0 to DurationLimit, BaseDelay no more than MaxDelay.
	BaseDelay, MaxDelay time.Duration
	// Strategy is Exponential or Fixed.
	Strategy Strategy
	// Jitter multiplies each delay by a random factor from 0.7 to 1.3, so that
	// callers that failed together do not retry together. MaxDelay caps the
	// product.
	Jitter bool
	// Reserve is the time before the context's deadline in which no retry
	// begins. The caller needs it to handle the result. 0 to DurationLimit.
	Reserve time.Duration
}

// Range of the jitter factor, as Atlassian recommends it to its clients.
const (
	leastJitter = 0.7
	mostJitter  = 1.3
)

// FieldError is a field of a Policy that is out of its range. Validate returns
// one for each, joined with errors.Join.
type FieldError struct {
	Field     string // in snake case, such as "base_delay"
	Value     any    // int, time.Duration or Strategy, as the field's type
	Low, High any    // the range, both included, in Value's type; nil where Rule is set
	Rule      string // what the value must be, where that is no range
}

// Error names the field, its value and what it must be.
func (e *FieldError) Error() string {
	if e.Rule != "" {
		return fmt.Sprintf("retry policy: %s %q: want %s", e.Field, e.Value, e.Rule)
	}
	return fmt.Sprintf("retry policy: %s %v: want %v to %v", e.Field, e.Value, e.Low, e.High)
}

// Validate returns a *FieldError for every field that is out of range, joined
// with errors.Join, or nil. BaseDelay is compared with MaxDelay only if that is
// in range.
func (p Policy) Validate() error {
	var errs []error
	maxBase := DurationLimit
	inRange(&errs, "max_retries", p.MaxRetries, 0, RetryLimit)
	if inRange(&errs, "max_delay", p.MaxDelay, 0, DurationLimit) {
		maxBase = p.MaxDelay
	}
	inRange(&errs, "base_delay", p.BaseDelay, 0, maxBase)
	inRange(&errs, "reserve", p.Reserve, 0, DurationLimit)
	switch p.Strategy {
	case "", Exponential, Fixed:
	default:
		errs = append(errs, &FieldError{Field: "strategy", Value: p.Strategy, Rule: fmt.Sprintf("%q or %q", Exponential, Fixed)})
	}
	return errors.Join(errs...)
}

// inRange reports whether a field is in its range, and adds an error if not.
func inRange[T int | time.Duration](errs *[]error, field string, value, low, high T) bool {
	if low <= value && value <= high {
		return true
	}
	*errs = append(*errs, &FieldError{Field: field, Value: value, Low: low, High: high})
	return false
}

// Delay returns the back-off before a retry; the first retry has number 0. r,
// a random number from 0 to 1, selects the jitter factor: 0 the smallest, 1 the
// largest. For any arguments the delay is between 0 and MaxDelay.
func (p Policy) Delay(retry int, r float64) time.Duration {
	// In floating point a shift that is too large is infinite, not negative.
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
