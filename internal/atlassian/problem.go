package atlassian

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/rejection"
)

// defaultWait is the Retry-After of a failure that names no wait.
const defaultWait = 5 * time.Second

// WriteProblem answers r with the client's problem for err, the error of a call
// that circuit guards. Any other error is the program's own fault, a 500.
func WriteProblem(w http.ResponseWriter, r *http.Request, circuit string, err error) {
	attempts := guard.Attempts(err)
	p, ok := rejection.Problem(err)
	if !ok {
		p, ok = callProblem(err, attempts)
	}
	if !ok {
		gateway.Fail(w, r, err)
		return
	}
	if p.RetryAfterSeconds > 0 {
		p.RetryAfterSeconds = max(p.RetryAfterSeconds, gateway.Seconds(guard.RejectsFor(err)))
	}
	p.Circuit, p.Attempts = circuit, attempts
	gateway.WriteProblem(w, r, p)
}

func callProblem(err error, attempts int) (p gateway.Problem, ok bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		p := e.problem()
		p.Reason, p.UpstreamStatus, p.UpstreamRequestID = e.Class(), e.Status, e.RequestID
		return p, true
	}
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return p, false
	}
	p = unavailable("the service did not answer in time", 0)
	p.Reason = reasonTimeout
	if attempts > 0 { // the try was abandoned: its outcome is unknown
		p.Retryable = nil
	}
	return p, true
}

func (e *Error) problem() gateway.Problem {
	switch {
	case e.Ambiguous:
		return gateway.Problem{
			Type: "outcome-unknown", Title: "Outcome unknown", Status: http.StatusBadGateway, Retryable: new(false),
			Detail: "the service did not say whether it performed the request: look for its result before you send it again",
		}
	case e.Reason == reasonUnauthorized:
		return gateway.Problem{
			Type: "upstream-authentication", Title: "Upstream authentication", Status: http.StatusBadGateway, Retryable: new(false),
			Detail: "the service does not accept the credentials that this function is configured with",
		}
	case e.Reason == reasonRateLimited:
		p := unavailable("the service limits the rate of requests", e.Wait)
		if e.RateLimit != "" {
			p.Detail += ": " + e.RateLimit
		}
		return p
	case e.Reason == reasonTooLarge:
		return gateway.Problem{
			Type: "upstream-answer", Title: "Unusable upstream answer", Status: http.StatusBadGateway, Retryable: new(false),
			Detail: "the service's answer is too large to be passed on: ask for less",
		}
	case e.Reason == reasonBadResponse:
		return gateway.Problem{
			Type: "upstream-answer", Title: "Unusable upstream answer", Status: http.StatusBadGateway, Retryable: new(false),
			Detail: "the service's answer cannot be used",
		}
	case e.callersFault():
		return e.passedOn()
	default:
		return unavailable("the service failed: "+e.Reason, e.Wait)
	}
}

// passedOn returns the problem of a 4xx answer that is the client's own mistake.
func (e *Error) passedOn() gateway.Problem {
	p := gateway.Problem{
		Type: "upstream-refused", Title: "Refused by the service", Status: e.Status, Retryable: new(false),
		Detail: strings.Join(e.Messages, " "), Field: e.Field, Errors: e.Fields,
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
	default:
		p.Status = http.StatusBadGateway // such as 410: the API that we call was removed
	}
	return p
}

func unavailable(detail string, wait time.Duration) gateway.Problem {
	if wait == 0 {
		wait = defaultWait
	}
	return gateway.Problem{
		Type: "upstream-unavailable", Title: "Upstream unavailable", Status: http.StatusServiceUnavailable,
		Detail: detail, Retryable: new(true), RetryAfterSeconds: gateway.Seconds(wait),
	}
}
