package gateway

import (
	"context"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
)

// Problem is an error as the client sees it (RFC 9457). Zero fields are left out.
// It must hold no text of an upstream that was not cleaned.
type Problem struct {
	// Type is a short name such as "circuit-open", sent as the URN
	// urn:coldfuse:problem:circuit-open. Empty is about:blank: the status says it
	// all.
	Type   string `json:"type"`
	Title  string `json:"title"`  // default: the status's text
	Status int    `json:"status"` // default: 500
	Detail string `json:"detail,omitempty"`
	// Instance is the request id; WriteProblem sets it.
	Instance string `json:"instance,omitempty"`

	Field  string            `json:"field,omitempty"`  // part of the request that is wrong
	Errors map[string]string `json:"errors,omitempty"` // what is wrong, by field

	Circuit           string `json:"circuit,omitempty"`
	Reason            string `json:"reason,omitempty"`              // the failure's class, for programs
	RetryAfterSeconds int    `json:"retry_after_seconds,omitempty"` // header Retry-After likewise
	Retryable         *bool  `json:"retryable,omitempty"`           // nil: not known
	UpstreamStatus    int    `json:"upstream_status,omitempty"`
	UpstreamRequestID string `json:"upstream_request_id,omitempty"`
	Attempts          int    `json:"attempts,omitempty"` // tries made upstream
}

// WriteProblem answers r with p.
func WriteProblem(w http.ResponseWriter, r *http.Request, p Problem) {
	writeProblem(r.Context(), w, p)
}

func writeProblem(ctx context.Context, w http.ResponseWriter, p Problem) {
	if p.Status == 0 {
		p.Status = http.StatusInternalServerError
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	if p.Type == "" {
		p.Type = "about:blank"
	} else {
		p.Type = "urn:coldfuse:problem:" + p.Type
	}
	p.Instance = RequestID(ctx)
	if p.RetryAfterSeconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfterSeconds))
	}
	write(w, p.Status, "application/problem+json", p)
}

// Fail answers r with a 500 problem. err is the program's own fault: it is
// reported like a panic of the handler, and the client sees nothing of it.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	if fault, ok := r.Context().Value(faultKey{}).(Fault); ok {
		fault(r.Context(), err, debug.Stack())
	}
	WriteProblem(w, r, Problem{})
}

// WriteBadField answers r with BadField.
func WriteBadField(w http.ResponseWriter, r *http.Request, field, detail string) {
	WriteProblem(w, r, BadField(field, detail))
}

// BadField returns the 400 problem of a request with one wrong field, parameter
// or header.
func BadField(field, detail string) Problem {
	return Problem{
		Type:   "invalid-request",
		Title:  "Invalid request",
		Status: http.StatusBadRequest,
		Detail: detail,
		Field:  Clip(field),
	}
}

// Clip returns the first 100 characters of a client's text that is sent back.
func Clip(text string) string {
	const most = 100
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

// Seconds rounds a wait up to whole seconds, at least 1, as Retry-After has it.
func Seconds(wait time.Duration) int {
	return max(1, int(math.Ceil(wait.Seconds())))
}
