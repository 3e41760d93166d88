package atlassian

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
)

// retrySeconds is when to come back after a failure that does not say.
const retrySeconds = 5

// WriteProblem answers r with what err, of a call guarded by the circuit, means
// to the client. An error that is no call's is the program's own fault: it
// panics, and the gateway answers 500.
func WriteProblem(w http.ResponseWriter, r *http.Request, circuit string, err error) {
	p, ok := gateway.Rejection(err)
	if !ok {
		p = callProblem(err)
	}
	p.Circuit, p.Attempts = circuit, guard.Attempts(err)
	gateway.WriteProblem(w, r, p)
}

func callProblem(err error) gateway.Problem {
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok:
		p := e.problem()
		p.UpstreamStatus, p.UpstreamRequestID = e.Status, e.RequestID
		return p
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable("the service did not answer in time", 0)
	default:
		panic(err)
	}
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
	case e.Reason == "rate_limited":
		p := unavailable("the service limits the rate of requests", gateway.Seconds(e.Wait))
		if e.RateLimit != "" {
			p.Detail += ": " + e.RateLimit
		}
		return p
	case e.Reason == reasonBadResponse:
		return gateway.Problem{
			Type: "upstream-answer", Title: "Unusable upstream answer", Status: http.StatusBadGateway, Retryable: new(false),
			Detail: "the service's answer cannot be used",
		}
	case e.callersFault():
		return e.passedOn()
	default:
		return unavailable("the service failed: "+e.Reason, 0)
	}
}

// passedOn is a 4xx answer as the client's own.
func (e *Error) passedOn() gateway.Problem {
	p := gateway.Problem{
		Type: "upstream-refused", Title: "Refused by the service", Status: e.Status, Retryable: new(false),
		Detail: strings.Join(e.Messages, " "), Errors: e.Fields,
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
	default:
		p.Status = http.StatusBadGateway // such as 410: we call what is no more
	}
	return p
}

func unavailable(detail string, seconds int) gateway.Problem {
	if seconds == 0 {
		seconds = retrySeconds
	}
	return gateway.Problem{
		Type: "upstream-unavailable", Title: "Upstream unavailable", Status: http.StatusServiceUnavailable,
		Detail: detail, Retryable: new(true), RetryAfterSeconds: seconds,
	}
}
