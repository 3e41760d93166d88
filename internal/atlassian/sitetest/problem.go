package sitetest

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// Problem is what a client is told of an error.
type Problem struct {
	Type                           string // without the URN's prefix
	Field, Circuit, Detail, Reason string
	Status, Attempts               int
	Retryable                      *bool
	Errors                         map[string]string
	RetryAfterSeconds              int    `json:"retry_after_seconds"`
	UpstreamStatus                 int    `json:"upstream_status"`
	UpstreamRequestID              string `json:"upstream_request_id"`
}

// ReadProblem reads an answer that must be a problem.
func ReadProblem(t testing.TB, w *httptest.ResponseRecorder) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s is no problem", w.Code, w.Body)
	}
	p.Type = strings.TrimPrefix(p.Type, "urn:coldfuse:problem:")
	return p
}
