package session

import (
	"context"
	"errors"
	"net/http"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/rejection"
)

// retryAfter is the Retry-After in seconds after a failure of MongoDB: a fail-over
// takes some seconds.
const retryAfter = 5

// writeProblem answers r with the problem for err. repeatable reports
// whether the request has the same effect when it is sent again. An error that
// comes neither from this package nor from the guard is the program's own fault,
// a 500.
func writeProblem(w http.ResponseWriter, r *http.Request, err error, repeatable bool) {
	p, ok := answerProblem(err, repeatable)
	if !ok {
		p, ok = rejection.Problem(err)
	}
	if !ok {
		p, ok = failureProblem(err, repeatable)
		p.Attempts = guard.Attempts(err)
	}
	if !ok {
		gateway.Fail(w, r, err)
		return
	}
	gateway.WriteProblem(w, r, p)
}

func answerProblem(err error, repeatable bool) (gateway.Problem, bool) {
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
		p := unavailable("contention", "others write to this session all the time", repeatable)
		p.Type, p.Title, p.RetryAfterSeconds = "busy", "Busy", 1
		return p, true
	}
	return gateway.Problem{}, false
}

func failureProblem(err error, repeatable bool) (p gateway.Problem, ok bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.problem(repeatable), true
	}
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return p, false
	}
	// The outcome of a try that was made and abandoned is unknown.
	e := &Error{Reason: reasonTimeout, passing: true, Ambiguous: guard.Attempts(err) > 0}
	return e.problem(repeatable), true
}

func (e *Error) problem(repeatable bool) gateway.Problem {
	switch {
	case e.Ambiguous && !repeatable:
		return gateway.Problem{
			Type: "outcome-unknown", Title: "Outcome unknown", Status: http.StatusBadGateway,
			Reason: e.Reason, Retryable: new(false),
			Detail: "whether the request was performed is not known, and it would be again: " +
				"one with an id of your own can be repeated",
		}
	case e.Reason == reasonIndexes:
		return unavailable(e.Reason, "the database has not got its indexes yet", true)
	case e.Reason == reasonAuthentication:
		return gateway.Problem{
			Type: "upstream-authentication", Title: "Upstream authentication", Status: http.StatusBadGateway,
			Reason: e.Reason, Retryable: new(false),
			Detail: "the database does not accept the credentials that this function is configured with",
		}
	case !e.passing:
		return gateway.Problem{
			Type: "upstream-refused", Title: "Refused by the database", Status: http.StatusBadGateway,
			Reason: e.Reason, Retryable: new(false),
			Detail: "the database refuses what this function is configured with, or asks for",
		}
	}
	return unavailable(e.Reason, "the database cannot be used for now", true)
}

func unavailable(reason, detail string, retryable bool) gateway.Problem {
	p := gateway.Problem{
		Type: "upstream-unavailable", Title: "Upstream unavailable", Status: http.StatusServiceUnavailable,
		Reason: reason, RetryAfterSeconds: retryAfter, Detail: detail,
	}
	if retryable {
		p.Retryable = new(true)
	}
	return p
}
