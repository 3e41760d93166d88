package breaker

import (
	"context"
	"errors"
	"net"
	"time"
)

// Verdict is what a call's result says about the dependency.
type Verdict uint8

const (
	// Succeeded: the dependency answered, be it that the caller was wrong.
	Succeeded Verdict = iota
	// Failed: the dependency did not do its part. Counts towards opening.
	Failed
	// Neutral: nothing was learnt of the dependency, as when the caller went
	// away.
	Neutral
)

// Reasons of failures and rejections that are the same for every dependency.
const (
	ReasonTimeout     = "timeout"
	ReasonConnection  = "connection" // a network error that is not a timeout
	ReasonPanic       = "panic"
	ReasonError       = "error"        // any other error
	ReasonRateLimited = "rate_limited" // the dependency asked for a pause
	ReasonOverride    = "override"     // of a rejection: an Override holds the circuit open
)

// Outcome is what a call's result says about the dependency. The zero Outcome
// is a success.
type Outcome struct {
	Verdict Verdict
	// Reason is the class of a failure: a short constant such as ReasonTimeout
	// or "http_503", which is stored, logged and shown to monitors. It must not
	// carry the dependency's own text: it is neither checked nor cut. It is
	// not looked at where Verdict is not Failed.
	Reason string
	// OpenFor, with a failure, opens the circuit at once, for as long but no
	// longer than Settings.MaxOpen: the dependency said to be left alone, and
	// for longer than calls can wait. 0, or less, otherwise; shorter waits are
	// for the retries of the call. MinEnvironments does not apply to it.
	OpenFor time.Duration
}

// Classifier turns the error of a protected call into its Outcome. It is not
// asked about nil, which is a success, and is about a panic, as a *PanicError.
// It must be pure and safe for concurrent use, and must not panic.
type Classifier func(error) Outcome

// Classify is the default Classifier: the caller's cancellation and another
// circuit's rejection are neutral, lest one open circuit open all in front of
// it, and every other error is a failure, a deadline that the call ran into
// included.
// Its reasons are "timeout", "connection" (any other net.Error), "panic" and
// "error". Callers whose errors tell a caller's mistake from an outage have a
// classifier of their own and fall back on this one.
func Classify(err error) Outcome {
	var netErr net.Error
	var panicked *PanicError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, ErrOpen):
		return Outcome{Verdict: Neutral}
	case errors.As(err, &panicked):
		return Outcome{Verdict: Failed, Reason: ReasonPanic}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return Outcome{Verdict: Failed, Reason: ReasonTimeout}
	case netErr != nil:
		return Outcome{Verdict: Failed, Reason: ReasonConnection}
	default:
		return Outcome{Verdict: Failed, Reason: ReasonError}
	}
}
