package contract

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Description is what a service says of its API. It is safe for concurrent use.
type Description struct {
	router  routers.Router
	options *openapi3filter.Options
	// failures are the shapes of JSON that errors have, where no other is
	// described.
	failures []*openapi3.Schema
}

//go:embed edge.yaml
var edgeYAML []byte

// load reads a product's description, to which it adds what is in front of each.
// Paths are the site's, and its gateway's below /ex/{product}/{cloudId}.
func load(src []byte, product string) (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(src)
	if err != nil {
		return nil, fmt.Errorf("contract: %s: %w", product, err)
	}
	edge, err := openapi3.NewLoader().LoadFromData(edgeYAML)
	if err != nil {
		return nil, fmt.Errorf("contract: edge: %w", err)
	}
	for path, item := range edge.Paths.Map() {
		item.Servers = openapi3.Servers{{URL: "/"}}
		for _, operation := range item.Operations() {
			operation.Security = openapi3.NewSecurityRequirements() // none, whatever the product wants
		}
		doc.Paths.Set(path, item)
	}
	doc.Servers = openapi3.Servers{
		{URL: "/"},
		{URL: "/ex/" + product + "/{cloudId}", Variables: map[string]*openapi3.ServerVariable{"cloudId": {Default: "any"}}},
	}
	return doc, nil
}

func newDescription(doc *openapi3.T, failures ...*openapi3.Schema) (*Description, error) {
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("contract: %s: %w", doc.Info.Title, err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("contract: %s: %w", doc.Info.Title, err)
	}
	options := &openapi3filter.Options{
		MultiError:                        true,
		SkipSettingDefaults:               true,
		RejectWhenRequestBodyNotSpecified: true,
		IncludeResponseStatus:             true,
		AuthenticationFunc:                authenticated,
	}
	options.WithCustomSchemaErrorFunc(inOneLine)
	return &Description{router, options, failures}, nil
}

// inOneLine is a schema's error without the schema.
func inOneLine(err *openapi3.SchemaError) string {
	at := ""
	for _, name := range err.JSONPointer() {
		at += "/" + name
	}
	return fmt.Sprintf("%s: %s", at, err.Reason)
}

// authenticated reports whether the request has credentials of the kind that a
// security scheme names.
func authenticated(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	header := input.RequestValidationInput.Request.Header.Get("Authorization")
	want := "Bearer "
	if input.SecurityScheme.Scheme == "basic" {
		want = "Basic "
	}
	if len(header) <= len(want) || header[:len(want)] != want {
		return fmt.Errorf("no %scredentials", want)
	}
	return nil
}
