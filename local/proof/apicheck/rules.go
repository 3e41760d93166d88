package apicheck

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// unspoken are the headers that any answer may have.
var unspoken = map[string]bool{
	"Apigw-Requestid": true, "Cache-Control": true, "Connection": true, "Content-Length": true,
	"Content-Type": true, "Date": true, "X-Content-Type-Options": true,
}

// checkHeaders finds headers that are not described; those that are were
// checked with the body.
func checkHeaders(described *openapi3.Response, h http.Header) error {
	known := maps.Clone(unspoken)
	for name := range described.Headers {
		known[http.CanonicalHeaderKey(name)] = true
	}
	for name := range h {
		if !known[name] {
			return fmt.Errorf("header %s is not described", name)
		}
	}
	return nil
}

// checkProblem holds a problem's fields against the status line and headers,
// which no schema can.
func checkProblem(a Answer) error {
	if a.Header.Get("Content-Type") != "application/problem+json" {
		return nil
	}
	var problem struct {
		Status            int
		RetryAfterSeconds int `json:"retry_after_seconds"`
	}
	if err := json.Unmarshal(a.Body, &problem); err != nil {
		return err
	}
	wait := a.Header.Get("Retry-After")
	switch {
	case problem.Status != a.Status:
		return fmt.Errorf("the problem says status %d", problem.Status)
	case wait == "" && a.Status == http.StatusServiceUnavailable:
		return fmt.Errorf("a 503 problem needs Retry-After")
	case wait != "" && wait != strconv.Itoa(problem.RetryAfterSeconds):
		return fmt.Errorf("Retry-After is %s, retry_after_seconds %d", wait, problem.RetryAfterSeconds)
	}
	return nil
}

// checkInvalid wants a 4xx for an invalid request, unless API Gateway failed before
// anyone looked at it.
func checkInvalid(input openapi3filter.RequestValidationInput, a Answer) error {
	input.Request = input.Request.Clone(input.Request.Context())
	// Bodies are read as JSON whatever their type is said to be.
	input.Request.Header.Set("Content-Type", "application/json")
	wrong := openapi3filter.ValidateRequest(input.Request.Context(), &input)
	gateway := a.Status >= 500 && strings.HasPrefix(a.Header.Get("Content-Type"), "application/json")
	if wrong == nil || a.Status >= 400 && a.Status < 500 || gateway {
		return nil
	}
	return fmt.Errorf("the request is wrong and was not refused: %w", wrong)
}
