package breaker

import (
	"context"
	"errors"
	"net"
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

// Outcome is a Verdict and, where it is Failed, the class of the failure:
// a short constant such as "timeout" or "http_503", which is stored, logged
// and shown to monitors. It must not carry the dependency's own text.
type Outcome struct {
	Verdict Verdict
	Reason  string
}

// Classifier turns the error of a protected call into its Outcome. It is not
// asked about nil, which is a success. It must be pure and safe for concurrent
// use.
type Classifier func(error) Outcome

// Classify is the default Classifier: the caller's cancellation is neutral and
// every other error is a failure, a deadline that the call ran into included.
// Callers whose errors tell a caller's
// mistake from an outage have a classifier of their own and fall back on this
// one.
func Classify(err error) Outcome {
	var netErr net.Error
	var panicked *PanicError
	switch {
	case errors.Is(err, context.Canceled):
		return Outcome{Verdict: Neutral}
	case errors.As(err, &panicked):
		return Outcome{Failed, "panic"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return Outcome{Failed, "timeout"}
	case netErr != nil:
		return Outcome{Failed, "connection"}
	default:
		return Outcome{Failed, "error"}
	}
}
