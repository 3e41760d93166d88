package jira

import (
	"errors"
	"net/http"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/idempotency"
	"github.com/coldfuse/coldfuse/internal/rejection"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// lookupAgain is the Retry-After after a search that found nothing: Jira's index is
// up to date by then.
const lookupAgain = 15 * time.Second

// writeCreateProblem answers r with the problem for err. While another call with the
// key is in progress the answer is a 503, which clients repeat, and not the 409 of
// a key that is bound to another issue, which they must not.
func writeCreateProblem(w http.ResponseWriter, r *http.Request, err error) {
	var unknown *unknownOutcome
	var busy *idempotency.InProgressError
	var away *idempotency.StoreError
	switch {
	case errors.Is(err, idempotency.ErrMismatch):
		gateway.WriteProblem(w, r, gateway.Problem{
			Type: "idempotency-mismatch", Title: "Idempotency mismatch", Status: http.StatusConflict, Retryable: new(false),
			Detail: "the Idempotency-Key was used for another issue", Field: keyHeader,
		})
	case errors.As(err, &busy):
		gateway.WriteProblem(w, r, gateway.Problem{
			Type: "idempotency-in-progress", Title: "In progress", Status: http.StatusServiceUnavailable, Retryable: new(true),
			Detail: "another request with the Idempotency-Key is in progress",
			Reason: "in_progress", RetryAfterSeconds: gateway.Seconds(busy.After),
		})
	case errors.As(err, &unknown):
		gateway.WriteProblem(w, r, unknown.problem())
	case errors.As(err, &away):
		gateway.WriteProblem(w, r, gateway.Problem{
			Type: "idempotency-unavailable", Title: "Idempotency unavailable", Status: http.StatusServiceUnavailable, Retryable: new(true),
			Detail: "without its records the Idempotency-Key's promise cannot be kept: nothing was created",
			Reason: "store_away", RetryAfterSeconds: 5,
		})
	default:
		atlassian.WriteProblem(w, r, Circuit, err)
	}
}

func (e *unknownOutcome) problem() gateway.Problem {
	p := gateway.Problem{
		Type: "outcome-unknown", Title: "Outcome unknown", Status: http.StatusServiceUnavailable, Retryable: new(true),
		Detail:            "whether the issue was created is not known yet: repeat the request with the same Idempotency-Key, or search for " + e.query,
		RetryAfterSeconds: gateway.Seconds(max(lookupAgain, guard.RejectsFor(e.cause))), Circuit: Circuit, Attempts: guard.Attempts(e.cause),
	}
	cause, ok := errors.AsType[*atlassian.Error](e.cause)
	rejection, rejected := rejection.Problem(e.cause)
	switch {
	case ok:
		p.Reason, p.UpstreamStatus, p.UpstreamRequestID = cause.Class(), cause.Status, cause.RequestID
	case rejected: // the search was rejected
		p.Reason = rejection.Type
		p.RetryAfterSeconds = max(p.RetryAfterSeconds, rejection.RetryAfterSeconds)
	case e.cause == nil:
		p.Reason = "not_found"
	default:
		p.Reason = breaker.ReasonTimeout
	}
	if e.final {
		p.Status, p.RetryAfterSeconds, p.Retryable = http.StatusBadGateway, 0, new(false)
		p.Detail = "whether the issue was created cannot be known, because it has no label: look for it by " + e.query
	}
	return p
}
