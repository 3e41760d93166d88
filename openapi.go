// Package coldfuse holds the description of the HTTP API, for the function
// that serves it. The importable packages are below pkg.
package coldfuse

import _ "embed"

//go:embed openapi.yaml
var description string

// OpenAPI is openapi.yaml, the OpenAPI 3.1 description of every route.
func OpenAPI() string { return description }
