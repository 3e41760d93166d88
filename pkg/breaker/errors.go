package breaker

import (
	"errors"
	"fmt"
	"time"
)

// ErrOpen is what errors.Is finds in every rejection.
var ErrOpen = errors.New("circuit breaker open")

// ErrUnreadable is what errors.Is finds in the error of Store.Transitions when
// entries were left out because they could not be understood.
var ErrUnreadable = errors.New("history entries are unreadable")

// OpenError is a rejection: the call was not made.
type OpenError struct {
	Circuit    string        // Settings.Name
	State      State         // Open, or HalfOpen while a probe decides
	Reason     string        // class of the failure that opened the circuit, or ReasonOverride
	RetryAfter time.Duration // how long until another call may be worth making, at least 1 ms
	Local      bool          // decided without the store, by this environment alone
}

// Error names the circuit, its state, the reason and when to come back.
func (e *OpenError) Error() string {
	return fmt.Sprintf("circuit breaker '%s' is %s (%s), retry after %s", e.Circuit, e.State, e.Reason, e.RetryAfter)
}

// Is makes errors.Is(err, ErrOpen) true.
func (e *OpenError) Is(target error) bool { return target == ErrOpen }

// PanicError is what a classifier is given when the protected call panicked.
// The panic itself is raised again once the outcome is recorded, so that callers
// of Do and Run never see this error.
type PanicError struct {
	Value any // of the panic
}

// Error is the panic's value as text.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }
