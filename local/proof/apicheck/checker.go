package apicheck

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Checker knows the description. It is safe for concurrent use.
type Checker struct {
	doc     *openapi3.T
	router  routers.Router
	nowhere *openapi3.Operation // answers where nothing is described
}

// Load reads openapi.yaml in the folder root. A document that is not valid
// OpenAPI 3.1, examples included, is an error.
func Load(root string) (*Checker, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(root, "openapi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	if err := doc.Validate(context.Background(), openapi3.IsOpenAPI31OrLater(), openapi3.EnableSchemaFormatValidation()); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	closeAnswers(doc)
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return &Checker{doc: doc, router: router, nowhere: nowhere(doc)}, nil
}

// closeAnswers forbids fields that are not described, wherever an answer's
// schema does not speak of others.
func closeAnswers(doc *openapi3.T) {
	shut := func(_ string, schema *openapi3.SchemaRef) error {
		if s := schema.Value; len(s.Properties) > 0 && s.AdditionalProperties == (openapi3.AdditionalProperties{}) {
			s.AdditionalProperties.Has = new(false)
		}
		return nil
	}
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for _, response := range operation.Responses.Map() {
				for _, media := range response.Value.Content {
					if media.Schema != nil {
						_ = media.Schema.WalkSubtree(shut) // fails only if shut does
					}
				}
			}
		}
	}
}

// nowhere is what may be answered where there is no description: the path is
// not found, the method not allowed, or the request is too bad to tell.
func nowhere(doc *openapi3.T) *openapi3.Operation {
	notFound := doc.Components.Responses["NotFound"]
	notAllowed := *notFound.Value
	notAllowed.Headers = openapi3.Headers{
		"Allow": {Value: &openapi3.Header{Parameter: openapi3.Parameter{Required: true, Schema: openapi3.NewStringSchema().NewRef()}}},
	}
	return &openapi3.Operation{Responses: openapi3.NewResponses(
		openapi3.WithStatus(http.StatusBadRequest, doc.Components.Responses["BadRequest"]),
		openapi3.WithStatus(http.StatusNotFound, notFound),
		openapi3.WithStatus(http.StatusMethodNotAllowed, &openapi3.ResponseRef{Value: &notAllowed}),
	)}
}

// Answer is a response as the client gets it.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Check reports what is wrong with the answer to a request, whose Body it reads.
// The error names the route.
func (c *Checker) Check(r *http.Request, a Answer) error {
	route, params, err := c.router.FindRoute(r)
	if err != nil { // of two kinds, which nowhere treats alike
		route = &routers.Route{Spec: c.doc, Operation: c.nowhere, Path: r.URL.Path, Method: r.Method}
	}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options()}
	wrong := c.checkAnswer(input, a)
	if wrong == nil && err == nil {
		wrong = checkInvalid(*input, a)
	}
	if wrong != nil {
		return fmt.Errorf("%s %s answered %d: %w", route.Method, route.Path, a.Status, wrong)
	}
	return nil
}

func options() *openapi3filter.Options {
	o := &openapi3filter.Options{
		IncludeResponseStatus: true,
		SkipSettingDefaults:   true,
		MultiError:            true,
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc, // access is the stack's to check
	}
	// Without the schema and the value, which may be long.
	o.WithCustomSchemaErrorFunc(func(e *openapi3.SchemaError) string {
		return "/" + strings.Join(e.JSONPointer(), "/") + ": " + e.Reason
	})
	return o
}

func (c *Checker) checkAnswer(input *openapi3filter.RequestValidationInput, a Answer) error {
	response := openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: a.Status, Header: a.Header, Options: input.Options,
		Body: io.NopCloser(bytes.NewReader(a.Body)),
	}
	if err := openapi3filter.ValidateResponse(input.Request.Context(), &response); err != nil {
		return err
	}
	if err := checkHeaders(input.Route.Operation.Responses.Status(a.Status).Value, a.Header); err != nil {
		return err
	}
	return checkProblem(a)
}
