package breaker

import (
	"errors"
	"fmt"
	"time"
)

// ErrOpen matches every rejection with errors.Is.
var ErrOpen = errors.New("circuit breaker open")

// ErrUnreadable matches, with errors.Is, the error of Store.Transitions for
// entries that were left out because they could not be understood.
var ErrUnreadable = errors.New("history entries are unreadable")

// OpenError is the rejection of a call, which was not made. Calls that are
// rejected within 10 ms share one, so it must not be changed.
type OpenError struct {
	Circuit    string        // Settings.Name
	State      State         // Open, or HalfOpen while a probe decides or the circuit is recovering
	Reason     string        // class of the failure that opened the circuit, ReasonOverride or ReasonRecovering
	RetryAfter time.Duration // how long until another call may be worth making, at least 1 ms
	Local      bool          // decided locally, during a store outage
}

// Error returns the circuit, its state, the reason and when to try again.
func (e *OpenError) Error() string {
	return fmt.Sprintf("circuit breaker '%s' is %s (%s), retry after %s", e.Circuit, e.State, e.Reason, e.RetryAfter)
}

// Is reports whether target is ErrOpen.
func (e *OpenError) Is(target error) bool { return target == ErrOpen }

// PanicError is the error that a Classifier judges when the protected call
// panicked. Once the outcome is recorded, the panic is raised again, so callers
// of Do and Run never see this error.
type PanicError struct {
	Value any // of the panic
}

// Error returns the panic's value as text.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }
