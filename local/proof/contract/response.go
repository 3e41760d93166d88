package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// response checks the answer to a request that has a description.
func (d *Description) response(input *openapi3filter.RequestValidationInput, a *answer) error {
	described := input.Route.Operation.Responses.Status(a.status)
	switch {
	case described == nil && !isKnown(a.status):
		return fmt.Errorf("status %d is not described", a.status)
	case described == nil || len(described.Value.Content) == 0:
		return d.failure(a)
	}
	return openapi3filter.ValidateResponse(input.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: a.status, Header: a.header, Options: d.options,
		Body: io.NopCloser(bytes.NewReader(a.body.Bytes())),
	})
}

// failure checks the body of an error. What is no JSON comes from something in
// front of the service, and is nothing that can be described.
func (d *Description) failure(a *answer) error {
	if a.status < http.StatusBadRequest {
		return fmt.Errorf("a body with status %d is not described", a.status)
	}
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if kind != "application/json" {
		return nil
	}
	var body any
	if err := json.Unmarshal(a.body.Bytes(), &body); err != nil {
		return fmt.Errorf("status %d: %w", a.status, err)
	}
	for _, shape := range d.failures {
		if shape.VisitJSON(body) == nil {
			return nil
		}
	}
	return fmt.Errorf("status %d: the body is no shape of an error", a.status)
}
