// Package rejection turns the error of a guarded call that was not made into the
// client's problem.
package rejection

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Problem returns the 503 problem of a call that was not made because its circuit
// is open or this environment has too many calls in flight. ok is false for any
// other error.
func Problem(err error) (p gateway.Problem, ok bool) {
	var open *breaker.OpenError
	switch {
	case errors.As(err, &open):
		return gateway.Problem{
			Type:              "circuit-open",
			Title:             "Circuit open",
			Status:            http.StatusServiceUnavailable,
			Detail:            whyOpen(open),
			Circuit:           open.Circuit,
			Reason:            open.Reason,
			RetryAfterSeconds: gateway.Seconds(open.RetryAfter),
			Retryable:         new(true),
		}, true
	case errors.Is(err, guard.ErrBusy):
		return gateway.Problem{
			Type:              "busy",
			Title:             "Busy",
			Status:            http.StatusServiceUnavailable,
			Detail:            "too many calls are in flight",
			RetryAfterSeconds: 1,
			Retryable:         new(true),
		}, true
	default:
		return gateway.Problem{}, false
	}
}

// whyOpen names who or what keeps the service from being called.
func whyOpen(open *breaker.OpenError) string {
	switch open.Reason {
	case breaker.ReasonOverride:
		return fmt.Sprintf("an operator holds %s open: the service behind it is not called for now", open.Circuit)
	case breaker.ReasonRateLimited:
		return fmt.Sprintf("the service behind %s limits the rate of requests and is not called for now", open.Circuit)
	default:
		return fmt.Sprintf("the service behind %s is failing and is not called for now", open.Circuit)
	}
}
