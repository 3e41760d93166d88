package atlassian

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Error is what came of a request that failed. It holds none of the service's
// own text but for field errors and messages that were cleaned.
type Error struct {
	// Reason is the class: timeout, connection, tls, bad_response, too_large,
	// unauthorized, rate_limited, or http_ and the status.
	Reason string
	// Status is the answer's, 0 if there was none.
	Status int
	// Fields and Messages are what a 4xx answer says is wrong.
	Fields   map[string]string
	Messages []string
	// Field is the part of the client's request that they are about, where the
	// connector knows. See About.
	Field string
	// RequestID is the service's own id of the request.
	RequestID string
	// RateLimit is which limit a 429 is of, in Atlassian's words such as
	// jira-burst-based; empty if it does not say.
	RateLimit string
	edge      bool // the limit is that of Atlassian's edge, and of no endpoint
	// Wait is how long the service asks to be left alone, at most 24 h; 0 if it
	// does not ask.
	Wait time.Duration
	// Ambiguous: the request changes something and may have been performed.
	Ambiguous bool

	cause error
}

func (e *Error) Error() string {
	if e.Ambiguous {
		return "atlassian: " + e.Reason + ", and whether the request was performed is not known"
	}
	return "atlassian: " + e.Reason
}

// Unwrap returns the error of the network or of the context.
func (e *Error) Unwrap() error { return e.cause }

// Class is the Reason, or which limit a 429 is of: what programs may be told.
func (e *Error) Class() string {
	if e.RateLimit != "" {
		return e.RateLimit
	}
	return e.Reason
}

// Unusable is the error of an answer that was read but makes no sense.
func Unusable(status int, changes bool) *Error {
	return &Error{Reason: reasonBadResponse, Status: status, Ambiguous: changes}
}

// RetryAfter is the least time to wait before another try.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// Retryable reports whether another try may help and can do no harm: the failure
// passes within a call's time, and nothing can have been changed.
func (e *Error) Retryable() bool {
	if e.Ambiguous || e.QuotaStop() {
		return false
	}
	switch e.Reason {
	case "timeout", "connection", "rate_limited":
		return true
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Retryable is Error.Retryable for any error. A context's end is what a try
// that ran out of time comes back with.
func Retryable(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Retryable()
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// Classify returns the circuit's classifier. An answer that says the caller was
// wrong or asked for too much is a success of the service, as are rejected
// credentials, unless countClientErrors is set. 408, 425 and 429 are failures.
func Classify(countClientErrors bool) breaker.Classifier {
	return func(err error) breaker.Outcome {
		if errors.Is(err, context.Canceled) {
			return breaker.Outcome{Verdict: breaker.Neutral}
		}
		e, ok := errors.AsType[*Error](err)
		switch {
		case !ok:
			return breaker.Classify(err)
		case e.callersFault() && !countClientErrors:
			return breaker.Outcome{Verdict: breaker.Succeeded}
		default:
			return breaker.Outcome{Verdict: breaker.Failed, Reason: e.Reason, OpenFor: e.stopFor()}
		}
	}
}

// patience is longer than any call behind an HTTP API can wait.
const patience = 30 * time.Second

// stopFor is how long every caller should leave the service alone, 0 if only
// some should or if calls can wait for it themselves. A quota is the whole
// app's: a request before its end only adds to what is asked for. A limit of
// any other name is one endpoint's or one issue's, and however long it lasts,
// all else is served: such a 429 is one failure. One that names no limit, or
// comes from the edge in front of all endpoints, may be about everything.
func (e *Error) stopFor() time.Duration {
	unnamed := e.RateLimit == "" || e.edge
	switch {
	case e.Reason != "rate_limited":
		return 0
	case e.QuotaStop(), unnamed && e.Wait >= patience:
		return e.Wait
	default:
		return 0
	}
}

func (e *Error) callersFault() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.Reason == reasonUnauthorized || e.Reason == reasonTooLarge || e.Status >= 400 && e.Status < 500
}

const (
	reasonUnauthorized = "unauthorized"
	reasonBadResponse  = "bad_response"
	reasonTooLarge     = "too_large"
)

// fromNetwork classes a request that got no answer. written reports whether
// anything of it may have reached the service.
func fromNetwork(err error, changes, written bool) *Error {
	e := &Error{Reason: "connection", cause: err, Ambiguous: changes && written}
	var netErr net.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		e.Reason = "timeout"
	case errors.As(err, &certificate), errors.As(err, &record):
		e.Reason = "tls"
	}
	return e
}

// fromAnswer classes an answer that is no success.
func fromAnswer(res *http.Response, body []byte, changes bool, now time.Time) *Error {
	e := &Error{
		Status: res.StatusCode, Reason: fmt.Sprintf("http_%d", res.StatusCode), RequestID: requestID(res),
		Wait: retryAfter(res.Header, now),
	}
	switch {
	case rejectedCredentials(res):
		// With a 2xx it was served as an anonymous caller's: a change is done.
		e.Reason, e.Ambiguous = reasonUnauthorized, changes && res.StatusCode < 300
	case res.StatusCode == http.StatusTooManyRequests:
		// All documented reasons for a 429 are found before anything is done.
		e.Reason = "rate_limited"
		e.RateLimit, e.edge = limitOf(res.Header)
		e.Wait = limitedFor(res.Header, e.QuotaStop(), now)
	case res.StatusCode >= 300 && res.StatusCode < 400:
		e.Reason = reasonBadResponse
	case res.StatusCode >= 500, res.StatusCode == http.StatusRequestTimeout:
		e.Ambiguous = changes
	}
	if res.StatusCode >= 400 && res.StatusCode < 500 {
		e.Messages, e.Fields = upstreamMessages(body)
	}
	return e
}

// rejectedCredentials reports whether the service rejected the credentials. Jira Cloud
// serves a wrong pair as an anonymous caller, mostly with a 200 of nothing, and
// tells by this header alone. An outage is one for anonymous callers too.
func rejectedCredentials(res *http.Response) bool {
	return res.StatusCode == http.StatusUnauthorized || res.StatusCode < 500 &&
		strings.Contains(res.Header.Get("X-Seraph-LoginReason"), "AUTHENTICATED_FAILED")
}

func requestID(res *http.Response) string {
	for _, name := range []string{"Atl-Traceid", "X-Arequestid", "Atl-Request-Id"} {
		if id := token(res.Header.Get(name)); id != "" {
			return id
		}
	}
	return ""
}

// token keeps a header's value only if it is short and plain.
func token(value string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/=+"
	if len(value) > 64 || strings.ContainsFunc(value, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
		return ""
	}
	return value
}

// About sets the field of the client's request that a 400 of the service is about,
// for a request in which only that field can be wrong, and returns err.
func About(field string, err error) error {
	e, ok := errors.AsType[*Error](err)
	if ok && e.Status == http.StatusBadRequest && len(e.Messages) > 0 {
		e.Field = field
	}
	return err
}

// IsRejected reports whether the service rejected the credentials.
func IsRejected(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Reason == reasonUnauthorized
}
