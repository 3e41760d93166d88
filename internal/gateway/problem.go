package gateway

import (
	"context"
	"net/http"
	"strconv"
)

// Problem is an error as the client sees it (RFC 9457). Zero fields are left
// out. It must hold nothing that an upstream wrote without its having been
// cleaned.
type Problem struct {
	// Type is a short name such as "circuit-open", sent as the URN
	// urn:coldfuse:problem:circuit-open. Empty is about:blank: the status
	// tells everything.
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

// Refuse answers r with BadField.
func Refuse(w http.ResponseWriter, r *http.Request, field, detail string) {
	WriteProblem(w, r, BadField(field, detail))
}

// BadField is the 400 problem of a request of which one field, parameter or
// header is wrong.
func BadField(field, detail string) Problem {
	return Problem{
		Type:   "invalid-request",
		Title:  "Invalid request",
		Status: http.StatusBadRequest,
		Detail: detail,
		Field:  Clip(field),
	}
}

// Clip bounds text of the client's that is sent back to it: to 100 characters.
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
