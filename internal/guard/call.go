package guard

import (
	"errors"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// What becomes of a call. The strings are what logs and metrics show.
const (
	Succeeded = "success"  // the dependency answered, be it that the caller was wrong
	Failed    = "failure"  // it did not do its part
	Neutral   = "neutral"  // nothing was learnt of it
	Rejected  = "rejected" // the circuit is open
	Panicked  = "panic"    // a failure too
)

// Call is what a Guard reports of one call.
type Call struct {
	Circuit   string // empty: none
	Operation string
	Outcome   string // one of the constants above
	// Reason is a short class: of the failure, or of the one that opened the
	// circuit; of neutral calls "busy" or "no_time" for those not made, and for
	// those of a FollowUp that of the failure.
	Reason   string
	Attempts int           // tries made, 0 if the call was not
	Duration time.Duration // all of it: tries, back-offs, the circuit's reads and writes
	Probe    bool          // it decided whether the circuit closes
	Err      error         // may hold the dependency's own text: not for logs
	Stack    []byte        // of a panic in the called function, where it arose

	rejectsFor time.Duration // see RejectsFor
}

// judge fills in what the call's error tells. What the called function itself
// returned may be an *OpenError or ErrBusy of another guard's: it is classified
// like any other.
func (c *Call) judge(err error, broken *brokenTry, classify breaker.Classifier) {
	c.Err = err
	var open *breaker.OpenError
	switch {
	case err == nil:
		c.Outcome = Succeeded
	case c.Attempts == 0 && errors.As(err, &open):
		c.Outcome, c.Reason = Rejected, open.Reason
	case broken != nil && broken.stack != nil:
		c.Outcome, c.Reason, c.Stack = Panicked, "panic", broken.stack
	case broken != nil && !broken.ran && errors.Is(err, ErrBusy):
		c.Outcome, c.Reason = Neutral, "busy"
	case broken != nil && !broken.ran:
		c.Outcome, c.Reason = Neutral, "no_time"
	default:
		o := classify(err)
		c.Outcome, c.Reason = outcomes[o.Verdict], o.Reason
	}
}

var outcomes = [...]string{breaker.Succeeded: Succeeded, breaker.Failed: Failed, breaker.Neutral: Neutral}

// Attempts gives the number of tries behind an error that Run returned: 0 if
// the call was not made.
func Attempts(err error) int {
	var a *attempted
	if !errors.As(err, &a) {
		return 0
	}
	return a.attempts
}

// RejectsFor tells, of an error that Run returned for a call that failed, how long
// the circuit keeps others from being made, which the call itself may have
// opened it for. It is 0 where the circuit is closed, and after a probe, which
// does not know. A rejection has a RetryAfter of its own.
func RejectsFor(err error) time.Duration {
	var a *attempted
	if !errors.As(err, &a) {
		return 0
	}
	return a.rejectsFor
}

type attempted struct {
	error
	attempts   int
	rejectsFor time.Duration
}

func (a *attempted) Unwrap() error { return a.error }
