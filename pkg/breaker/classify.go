package breaker

import (
	"context"
	"errors"
	"net"
	"time"
)

// Verdict says whether the dependency did its part in a call.
type Verdict uint8

const (
	// Succeeded: the dependency answered, even if the request was wrong.
	Succeeded Verdict = iota
	// Failed: the dependency did not do its part. It counts towards opening.
	Failed
	// Neutral: the result says nothing about the dependency, as when the caller
	// cancelled the call.
	Neutral
)

// Reasons of failures and rejections that are the same for every dependency.
const (
	ReasonTimeout     = "timeout"
	ReasonConnection  = "connection" // a network error that is not a timeout
	ReasonPanic       = "panic"
	ReasonError       = "error"        // any other error
	ReasonRateLimited = "rate_limited" // the dependency asked for a pause
	ReasonSlow        = "slow"         // a success that took longer than Settings.SlowCall
	ReasonOverride    = "override"     // of a rejection: an Override holds the circuit open
	ReasonRecovering  = "recovering"   // of a rejection: the circuit has closed, see Settings.RecoveryRamp
)

// Outcome is what a call's result says about the dependency. The zero Outcome
// is a success.
type Outcome struct {
	Verdict Verdict
	// Reason is the class of a failure: a short constant such as ReasonTimeout
	// or "http_503", which is stored, logged and shown to monitors. It must
	// not contain text from the dependency, because it is neither checked nor
	// cut. It is ignored unless Verdict is Failed.
	Reason string
	// OpenFor, if positive, makes a failure open the circuit at once for that
	// time, at most Settings.MaxOpen. It is for a dependency that asked for a
	// pause longer than calls can wait; shorter pauses are for the call's
	// retries. MinEnvironments does not apply to it.
	OpenFor time.Duration
}

// Classifier returns the Outcome of a protected call's error. It is not called
// with nil, which is a success. A panic is a *PanicError. A Classifier must be
// pure and safe for concurrent use, and must not panic.
type Classifier func(error) Outcome

// Classify is the default Classifier. The caller's cancellation is neutral, and
// so is the rejection of another circuit, so that one open circuit does not open
// those in front of it. Every other error is a failure, an exceeded deadline
// included. Its reasons are ReasonTimeout, ReasonConnection, ReasonPanic and
// ReasonError. If the errors of a dependency distinguish a caller's mistake from
// an outage, write a Classifier for them that falls back on this one.
func Classify(err error) Outcome {
	netErr, ofNetwork := errors.AsType[net.Error](err)
	_, panicked := errors.AsType[*PanicError](err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, ErrOpen):
		return Outcome{Verdict: Neutral}
	case panicked:
		return Outcome{Verdict: Failed, Reason: ReasonPanic}
	case errors.Is(err, context.DeadlineExceeded), ofNetwork && netErr.Timeout():
		return Outcome{Verdict: Failed, Reason: ReasonTimeout}
	case ofNetwork:
		return Outcome{Verdict: Failed, Reason: ReasonConnection}
	default:
		return Outcome{Verdict: Failed, Reason: ReasonError}
	}
}
