package gateway

import (
	"net/http"
	"net/url"
	"slices"
)

// Query gives r's query parameters. If the query is malformed, or holds a
// parameter that is not allowed or that it holds twice, it answers with a 400
// problem that names it, and the result is false. Handlers that would rather ignore what they do not
// know read r.URL.Query.
func Query(w http.ResponseWriter, r *http.Request, allowed ...string) (url.Values, bool) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		WriteProblem(w, r, BadField("", "the query string is malformed"))
		return nil, false
	}
	var unknown []string
	for name := range values {
		if !slices.Contains(allowed, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		WriteProblem(w, r, BadField(slices.Min(unknown), "the query parameter is unknown"))
		return nil, false
	}
	for _, name := range allowed {
		if len(values[name]) > 1 {
			WriteProblem(w, r, BadField(name, "the query parameter is given twice"))
			return nil, false
		}
	}
	return values, true
}
