package gateway

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Rejection gives the 503 problem of a guarded call that was not made, because
// its circuit is open or this environment has too many calls in flight, and
// whether err is that.
func Rejection(err error) (Problem, bool) {
	var open *breaker.OpenError
	switch {
	case errors.As(err, &open):
		return Problem{
			Type:              "circuit-open",
			Title:             "Circuit open",
			Status:            http.StatusServiceUnavailable,
			Detail:            whyOpen(open),
			Circuit:           open.Circuit,
			Reason:            open.Reason,
			RetryAfterSeconds: Seconds(open.RetryAfter),
			Retryable:         new(true),
		}, true
	case errors.Is(err, guard.ErrBusy):
		return Problem{
			Type:              "busy",
			Title:             "Busy",
			Status:            http.StatusServiceUnavailable,
			Detail:            "too many calls are in flight",
			RetryAfterSeconds: 1,
			Retryable:         new(true),
		}, true
	default:
		return Problem{}, false
	}
}

// whyOpen says who it is that keeps the service from being called.
func whyOpen(open *breaker.OpenError) string {
	switch open.Reason {
	case breaker.ReasonOverride:
		return fmt.Sprintf("an operator holds %s open: the service behind it is not called for now", open.Circuit)
	case "rate_limited":
		return fmt.Sprintf("the service behind %s limits the rate of requests and is not called for now", open.Circuit)
	default:
		return fmt.Sprintf("the service behind %s is failing and is not called for now", open.Circuit)
	}
}

// Seconds rounds a wait up to what Retry-After can say: at least 1.
func Seconds(wait time.Duration) int {
	return max(1, int(math.Ceil(wait.Seconds())))
}
