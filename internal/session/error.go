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

// What a request can be wrong about, besides its form.
var (
	ErrNotFound = errors.New("there is no such session")
	ErrVersion  = errors.New("the session has changed since that version")
	ErrConflict = errors.New("another message has that id")
	ErrToken    = errors.New("the page token is not one of this session's")
)

// ErrContended is the answer to a write that others were always faster than.
var ErrContended = errors.New("others write to the session all the time")

// Error is what MongoDB, or the way there, failed by. It holds nothing of the
// driver's text, which names hosts and may quote what was sent.
type Error struct {
	// Reason is the class, one of the constants below, or "code_" and the number
	// of an error of the server's.
	Reason string
	// Ambiguous: a change was sent, in this try or in one before, and may have
	// been performed.
	Ambiguous bool

	passing bool  // it may be over soon
	late    bool  // see patience
	cause   error // the context's, if that ended it
	secret  error // why the secret cannot be used; shows nothing of it
}

// Classes of failures.
const (
	reasonTimeout        = "timeout"
	reasonConnection     = "connection"     // no server, or one that hung up
	reasonNotPrimary     = "not_primary"    // another server takes the writes, or will
	reasonAuthentication = "authentication" // refused credentials
	reasonSecret         = "secret"         // could not be read
	reasonConfiguration  = "configuration"  // the URI is none
	reasonIndexes        = "no_indexes"     // the index that numbers messages is not there
)

func (e *Error) Error() string { return "mongodb: " + e.Reason }

// Unwrap returns the context's error, if that is what ended the call.
func (e *Error) Unwrap() error { return e.cause }

// Retryable reports whether another try may help: it is the guard's rule. Every
// try can be made again, for what it makes has its id before the first.
func Retryable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.passing && !e.late || errors.Is(err, errNoTurn)
}

// Classify reports the guard's report what an error says of MongoDB: that a
// request was wrong is a success.
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

// patience is how long a try may fail for and still be made again. One that
// failed later has waited for the database as long as the driver looks for a
// server; another would make the client wait as long again. So a database that
// is away is reported after one search, not after four.
const patience = serverSelection - 100*time.Millisecond

// fromDriver classes a try's error, after the time that it took.
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

// changeError is the error of a command that makes something.
type changeError struct{ error }

func (e changeError) Unwrap() error { return e.error }

// ofChange marks the error, if it is one, of a command that makes something.
func ofChange(err error) error {
	if err == nil {
		return nil
	}
	return changeError{err}
}

// mayBeDone reports whether a failed try may have made something: not if the
// driver found no server to send it to, nor if the server takes no writes. One
// that steps down or is shut down may have kept what it was sent.
func mayBeDone(err error) bool {
	var change changeError
	var server mongo.ServerError
	return errors.As(err, &change) && !foundNoServer(err) && !(errors.As(err, &server) && hasCode(server, 10107, 13435, 13436))
}

// foundNoServer reports whether the driver had nowhere to send a command to. Only
// a type of its less stable part tells.
func foundNoServer(err error) bool {
	var selection topology.ServerSelectionError
	return errors.As(err, &selection)
}

func classed(err error) *Error {
	var server mongo.ServerError
	switch {
	case foundNoServer(err): // which took it a while, and is no timeout of the server's
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
	// From error_codes.yml of the server; what passes is what the drivers'
	// specification of retryable reads has.
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
