package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// sentHeaders are those that may be sent although no description names them.
// An Idempotency-Key is not among them: the service knows none, and net/http
// takes one as leave to send a POST again.
func sentHeaders() []string {
	return []string{"Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Content-Type", "User-Agent"}
}

// request checks a request whose body has been read.
func (d *Description) request(r *http.Request, body []byte) (*openapi3filter.RequestValidationInput, []error) {
	route, path, err := d.router.FindRoute(r)
	if err != nil {
		return nil, []error{err}
	}
	sent := r.Clone(r.Context()) // the check reads the body
	sent.Body, sent.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	input := &openapi3filter.RequestValidationInput{Request: sent, PathParams: path, Route: route, Options: d.options}
	wrong := unknownNames(sent, route.Operation.Parameters)
	if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
		wrong = append(wrong, err)
	}
	return input, wrong
}

// unknownNames reports what the OpenAPI check passes by: parameters and headers
// that are not described, and values of a list where no list is.
func unknownNames(r *http.Request, parameters openapi3.Parameters) []error {
	var wrong []error
	for name, values := range r.URL.Query() {
		parameter := parameters.GetByInAndName(openapi3.ParameterInQuery, name)
		switch {
		case parameter == nil:
			wrong = append(wrong, fmt.Errorf("query parameter %q is not described", name))
		case len(values) > 1 && !parameter.Schema.Value.Type.Is(openapi3.TypeArray):
			wrong = append(wrong, fmt.Errorf("query parameter %q is repeated", name))
		}
	}
	for name := range r.Header {
		if !slices.Contains(sentHeaders(), name) && parameters.GetByInAndName(openapi3.ParameterInHeader, name) == nil {
			wrong = append(wrong, fmt.Errorf("header %q is not described", name))
		}
	}
	return wrong
}
