package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Errors of a request that is well-formed.
var (
	ErrNotFound = errors.New("there is no such session")
	ErrVersion  = errors.New("the session has changed since that version")
	ErrConflict = errors.New("another message has that id")
	ErrToken    = errors.New("the page token is not one of this session's")
)

// ErrContended: the write lost every race with concurrent writers.
var ErrContended = errors.New("others write to the session all the time")

// Error is a failure of MongoDB or of the connection to it. It omits the driver's
// text, which names hosts and can quote what was sent.
type Error struct {
	// Reason is one of the constants below, or "code_" and the server's error code.
	Reason string
	// Ambiguous: a change was sent, in this try or an earlier one, and may have been
	// executed.
	Ambiguous bool

	passing bool  // a later try may succeed
	late    bool  // see patience
	cause   error // the context's error, if that ended the try
	secret  error // why the secret cannot be used; shows nothing of it
}

// Classes of failures.
const (
	reasonTimeout        = "timeout"
	reasonConnection     = "connection"     // no server, or a lost connection
	reasonNotPrimary     = "not_primary"    // another server takes the writes, or will
	reasonAuthentication = "authentication" // the credentials were rejected
	reasonSecret         = "secret"         // could not be read
	reasonConfiguration  = "configuration"  // the URI is malformed
	reasonIndexes        = "no_indexes"     // the index that numbers messages is missing
)

func (e *Error) Error() string { return "mongodb: " + e.Reason }

// Unwrap returns the context's error, if that is what ended the call.
func (e *Error) Unwrap() error { return e.cause }

// Retryable reports whether another try may succeed. Every operation can be
// repeated: what it creates has its id before the first try. It is the guard's
// retry rule.
func Retryable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.passing && !e.late || errors.Is(err, errNoTurn)
}

// Classify returns what an error says about MongoDB. An error that is the request's
// own, such as ErrNotFound, counts as a success. It is the guard's classifier.
func Classify(err error) breaker.Outcome {
	e, ok := errors.AsType[*Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return breaker.Outcome{Verdict: breaker.Neutral}
	case ok:
		return breaker.Outcome{Verdict: breaker.Failed, Reason: e.Reason}
	case isAnswer(err):
		return breaker.Outcome{Verdict: breaker.Succeeded}
	default:
		return breaker.Classify(err)
	}
}

func isAnswer(err error) bool {
	return slices.ContainsFunc([]error{ErrNotFound, ErrVersion, ErrConflict, ErrToken, ErrContended},
		func(answer error) bool { return errors.Is(err, answer) })
}

// patience is the longest duration of a failed try that is retried. A longer one
// waited as long as the driver searches for a server, and another would make the
// client wait as long again. So an unreachable database is reported after one such
// search, not after four.
const patience = serverSelection - 100*time.Millisecond

// fromDriver returns the Error for a try's error and duration. Errors of this
// package are returned as they are.
func fromDriver(ctx context.Context, err error, took time.Duration) error {
	var e *Error
	if isAnswer(err) || errors.As(err, &e) {
		return err
	}
	e = classed(err)
	if ctx.Err() != nil && !foundNoServer(err) {
		e = &Error{Reason: reasonTimeout, passing: true}
	}
	e.cause, e.late = ctx.Err(), took >= patience
	e.Ambiguous = e.passing && mayBeDone(err)
	return e
}

// changeError is the error of a command that changes something.
type changeError struct{ error }

func (e changeError) Unwrap() error { return e.error }

// ofChange returns err as a changeError, or nil if err is nil.
func ofChange(err error) error {
	if err == nil {
		return nil
	}
	return changeError{err}
}

// mayBeDone reports whether a failed try may have changed something. It cannot have
// if the driver found no server, or if the server accepts no writes; a server that
// steps down or shuts down may have kept the change.
func mayBeDone(err error) bool {
	var change changeError
	var server mongo.ServerError
	return errors.As(err, &change) && !foundNoServer(err) && !(errors.As(err, &server) && hasCode(server, 10107, 13435, 13436))
}

// foundNoServer reports whether the driver found no server for the command. Only a
// type of its unstable package x/mongo shows it.
func foundNoServer(err error) bool {
	var selection topology.ServerSelectionError
	return errors.As(err, &selection)
}

func classed(err error) *Error {
	var server mongo.ServerError
	switch {
	case foundNoServer(err): // the driver calls this a timeout too
		return &Error{Reason: reasonConnection, passing: true}
	case errors.As(err, &server) && !mongo.IsNetworkError(err):
		return classedAnswer(err, server)
	case mongo.IsTimeout(err):
		return &Error{Reason: reasonTimeout, passing: true}
	default:
		return &Error{Reason: reasonConnection, passing: true}
	}
}

func classedAnswer(err error, server mongo.ServerError) *Error {
	// Codes: the server's error_codes.yml. Passing: the drivers' specification of
	// retryable reads.
	switch {
	case hasCode(server, 189, 10107, 11600, 11602, 13435, 13436):
		return &Error{Reason: reasonNotPrimary, passing: true}
	case hasCode(server, 18, 8000): // AuthenticationFailed, and Atlas's own for it
		return &Error{Reason: reasonAuthentication}
	case mongo.IsTimeout(err):
		return &Error{Reason: reasonTimeout, passing: true}
	}
	return &Error{
		Reason: fmt.Sprintf("code_%d", server.ErrorCodes()[0]),
		passing: server.HasErrorLabel("RetryableWriteError") || server.HasErrorLabel("RetryableError") ||
			hasCode(server, 6, 7, 89, 91, 134, 262, 9001),
	}
}

func hasCode(err mongo.ServerError, codes ...int) bool {
	return slices.ContainsFunc(codes, err.HasErrorCode)
}
