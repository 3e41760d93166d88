package session

import (
	"context"
	"errors"
	"net/http"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
)

// retryAfter is when to come back after MongoDB failed: fail-over takes some
// seconds.
const retryAfter = 5

// writeProblem answers r with what err means to the client. repeatable tells
// whether the request has the same effect when it is sent again. An error that
// is none of this package's or the guard's is the program's own fault: it
// panics, and the gateway answers 500.
func writeProblem(w http.ResponseWriter, r *http.Request, err error, repeatable bool) {
	p, ok := answerProblem(err)
	if !ok {
		p, ok = gateway.Rejection(err)
	}
	if !ok {
		p = failureProblem(err, repeatable)
		p.Attempts = guard.Attempts(err)
	}
	gateway.WriteProblem(w, r, p)
}

func answerProblem(err error) (gateway.Problem, bool) {
	switch {
	case errors.Is(err, ErrNotFound):
		return gateway.Problem{
			Type: "session-not-found", Title: "Session not found", Status: http.StatusNotFound,
			Detail: "the caller has no such session",
		}, true
	case errors.Is(err, ErrVersion):
		return gateway.Problem{
			Type: "version-mismatch", Title: "Version mismatch", Status: http.StatusPreconditionFailed, Field: "If-Match",
			Detail: "the session has changed since: read it again",
		}, true
	case errors.Is(err, ErrConflict):
		return gateway.Problem{
			Type: "message-exists", Title: "Message exists", Status: http.StatusConflict, Field: "id", Retryable: new(false),
			Detail: "the session has a message of this id with another role or content",
		}, true
	case errors.Is(err, ErrToken):
		return gateway.BadToken(), true
	case errors.Is(err, ErrContended):
		return gateway.Problem{
			Type: "busy", Title: "Busy", Status: http.StatusServiceUnavailable, Retryable: new(true), RetryAfterSeconds: 1,
			Detail: "others write to this session all the time: nothing was written",
		}, true
	}
	return gateway.Problem{}, false
}

func failureProblem(err error, repeatable bool) gateway.Problem {
	reason := reasonTimeout
	if e, ok := errors.AsType[*Error](err); ok {
		reason = e.Reason
	} else if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		panic(err)
	}
	switch reason {
	case reasonAuthentication, reasonConfiguration:
		return gateway.Problem{
			Type: "upstream-authentication", Title: "Upstream authentication", Status: http.StatusBadGateway,
			Reason: reason, Retryable: new(false),
			Detail: "the database does not accept what this function is configured with",
		}
	}
	p := gateway.Problem{
		Type: "upstream-unavailable", Title: "Upstream unavailable", Status: http.StatusServiceUnavailable,
		Reason: reason, Retryable: new(true), RetryAfterSeconds: retryAfter,
		Detail: "the database cannot be used for now",
	}
	switch {
	case reason == reasonIndexes:
		p.Detail = "the database has not got its indexes yet"
	case !repeatable: // it may have been stored, and would be again
		p.Retryable = nil
		p.Detail += ", and whether the request was performed is not known: one with an id of your own can be repeated"
	}
	return p
}
