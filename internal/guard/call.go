package guard

import (
	"errors"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Outcomes of a call, as logs and metrics show them.
const (
	Succeeded = "success"  // the dependency answered, even if the caller was wrong
	Failed    = "failure"  // the dependency did not do its part
	Neutral   = "neutral"  // the call says nothing about the dependency
	Rejected  = "rejected" // the circuit is open
	Panicked  = "panic"    // counted as a failure
)

// Reasons of neutral calls that were not made.
const (
	ReasonBusy   = "busy"    // Config.MaxConcurrent calls are in flight
	ReasonNoTime = "no_time" // the caller's context had ended
)

// Call is what a Guard reports about one call.
type Call struct {
	Circuit   string // empty: none
	Operation string
	Outcome   string // one of the constants above
	// Reason is the class of the failure, or of the failure that opened the
	// circuit. For a neutral call it is one of the reasons above or, if the call
	// was a FollowUp, the class of its failure.
	Reason   string
	Attempts int           // tries made, 0 if the call was not made
	Duration time.Duration // of everything: tries, back-offs, the circuit's reads and writes
	Probe    bool          // it decided whether the circuit closes
	Err      error         // may hold the dependency's own text: not for logs
	Stack    []byte        // where fn panicked

	followUp   bool          // see FollowUp
	rejectsFor time.Duration // see RejectsFor
}

var outcomes = [...]string{breaker.Succeeded: Succeeded, breaker.Failed: Failed, breaker.Neutral: Neutral}

func (c *Call) conclude(o breaker.Outcome) { c.Outcome, c.Reason = outcomes[o.Verdict], o.Reason }

// reject notes the breaker's rejection. What fn itself returns may be an
// *breaker.OpenError of another Guard: that one is classified like any error.
func (c *Call) reject(err error) {
	c.Outcome = Rejected
	var open *breaker.OpenError
	if errors.As(err, &open) {
		c.Reason = open.Reason
	}
}

// panicked notes a panic of fn.
func (c *Call) panicked(err error) {
	var broken *tryError
	if errors.As(err, &broken) && broken.stack != nil {
		c.Outcome, c.Reason, c.Stack = Panicked, breaker.ReasonPanic, broken.stack
	}
}

// Attempts returns the number of tries behind an error that Run returned: 0 if
// the call was not made.
func Attempts(err error) int {
	var a *attempted
	if !errors.As(err, &a) {
		return 0
	}
	return a.attempts
}

// RejectsFor returns, for an error that Run returned for a failed call, how long
// the circuit rejects further calls; that call itself may have opened it. It is
// 0 if the circuit is closed, and after a probe, which does not know. A
// rejection has its own RetryAfter.
func RejectsFor(err error) time.Duration {
	var a *attempted
	if !errors.As(err, &a) {
		return 0
	}
	return a.rejectsFor
}

// attempted attaches to an error what Run knows about its call.
type attempted struct {
	error
	attempts   int
	rejectsFor time.Duration
}

func (a *attempted) Unwrap() error { return a.error }
