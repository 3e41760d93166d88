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

// Error is the error of a failed request. Of the service's own text it holds
// only field errors and messages, both cleaned.
type Error struct {
	// Reason is the class of the failure: one of the constants below, or http_
	// and the status.
	Reason string
	// Status is the answer's status, 0 if there was no answer.
	Status int
	// Fields and Messages are the errors that a 4xx answer lists.
	Fields   map[string]string
	Messages []string
	// Field is the part of the client's request that they are about, if the
	// connector knows it. See About.
	Field string
	// RequestID is the service's own id of the request.
	RequestID string
	// RateLimit is Atlassian's name of the limit that a 429 reports, such as
	// jira-burst-based; empty if the answer does not name one.
	RateLimit string
	edge      bool // the limit is that of Atlassian's edge, not of one endpoint
	// Wait is the wait that the service asks for, at most 24 h; 0 if it asks for
	// none.
	Wait time.Duration
	// Ambiguous: the request changes something and may have been performed.
	Ambiguous bool

	cause error
}

// Classes of failures. An answer that has none of them is http_ and its status.
const (
	reasonTimeout      = breaker.ReasonTimeout
	reasonConnection   = breaker.ReasonConnection
	reasonRateLimited  = breaker.ReasonRateLimited
	reasonTLS          = "tls"
	reasonUnauthorized = "unauthorized" // the service rejected the credentials
	reasonBadResponse  = "bad_response" // the answer cannot be used
	reasonTooLarge     = "too_large"    // the answer is larger than maxAnswer
)

func (e *Error) Error() string {
	if e.Ambiguous {
		return "atlassian: " + e.Reason + ", and whether the request was performed is not known"
	}
	return "atlassian: " + e.Reason
}

// Unwrap returns the error of the network or of the context.
func (e *Error) Unwrap() error { return e.cause }

// Class returns the name of the limit of a 429, or else the Reason. Clients may
// see it.
func (e *Error) Class() string {
	if e.RateLimit != "" {
		return e.RateLimit
	}
	return e.Reason
}

// Unusable returns the error of an answer that was read but cannot be used.
func Unusable(status int, changes bool) *Error {
	return &Error{Reason: reasonBadResponse, Status: status, Ambiguous: changes}
}

// RetryAfter returns the minimum wait before another try.
func (e *Error) RetryAfter() time.Duration { return e.Wait }

// Retryable reports whether another try may help and can do no harm: the failure
// passes within a call's time, and nothing can have been changed.
func (e *Error) Retryable() bool {
	if e.Ambiguous || e.QuotaStop() {
		return false
	}
	switch e.Reason {
	case reasonTimeout, reasonConnection, reasonRateLimited:
		return true
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Retryable is Error.Retryable for any error. A try that ran out of time may
// return only its context's error.
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
			return breaker.Outcome{Verdict: breaker.Failed, Reason: e.Reason, OpenFor: e.openFor()}
		}
	}
}

// longestCallWait is longer than any call behind an HTTP API can wait.
const longestCallWait = 30 * time.Second

// openFor returns for how long the failure opens the circuit at once, or 0 if it
// is one failure like others. A quota belongs to the whole app: a request before
// the quota is refilled is served by no endpoint. A limit with any other name
// belongs to one endpoint or one issue, and the service serves everything else.
// A 429 that names no limit, or comes from the edge in front of all endpoints,
// may apply to everything: it opens the circuit if no call can wait that long.
func (e *Error) openFor() time.Duration {
	unnamed := e.RateLimit == "" || e.edge
	switch {
	case e.Reason != reasonRateLimited:
		return 0
	case e.QuotaStop(), unnamed && e.Wait >= longestCallWait:
		return e.Wait
	default:
		return 0
	}
}

// callersFault reports whether the request was invalid or asked for too much, or
// the credentials were rejected: the service itself works.
func (e *Error) callersFault() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.Reason == reasonUnauthorized || e.Reason == reasonTooLarge || e.Status >= 400 && e.Status < 500
}

// fromNetwork returns the error of a request that got no answer. written reports
// whether any of it may have reached the service.
func fromNetwork(err error, changes, written bool) *Error {
	e := &Error{Reason: reasonConnection, cause: err, Ambiguous: changes && written}
	var netErr net.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		e.Reason = reasonTimeout
	case errors.As(err, &certificate), errors.As(err, &record):
		e.Reason = reasonTLS
	}
	return e
}

// fromAnswer returns the error of an answer that is not a success.
func fromAnswer(res *http.Response, body []byte, changes bool, now time.Time) *Error {
	e := &Error{
		Status: res.StatusCode, Reason: fmt.Sprintf("http_%d", res.StatusCode), RequestID: requestID(res),
		Wait: retryAfter(res.Header, now),
	}
	switch {
	case rejectedCredentials(res):
		// A 2xx means that it was served as an anonymous caller's: a change is done.
		e.Reason, e.Ambiguous = reasonUnauthorized, changes && res.StatusCode < 300
	case res.StatusCode == http.StatusTooManyRequests:
		// All documented limits are checked before the request is performed.
		e.Reason = reasonRateLimited
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

// rejectedCredentials reports whether the service rejected the credentials. Jira
// Cloud serves a wrong pair as an anonymous caller, usually with an empty 200, and
// says so only in a header. 5xx counts as an outage even if the credentials were
// rejected.
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

// token returns a header's value, or "" if it is not short and plain.
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
