package gateway

import (
	"net/http"
	"net/url"
	"slices"
)

// NoQuery serves h, whose route has no query parameters. A request with one is
// invalid, as for Query.
func NoQuery(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := Query(w, r); ok {
			h(w, r)
		}
	}
}

// Query returns r's query parameters. For a malformed query, and for a parameter
// that is not allowed or given twice, it answers with a 400 problem that names
// the parameter and returns false. A handler that ignores unknown parameters
// reads r.URL.Query instead.
func Query(w http.ResponseWriter, r *http.Request, allowed ...string) (url.Values, bool) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		WriteBadField(w, r, "", "the query string is malformed")
		return nil, false
	}
	var unknown []string
	for name := range values {
		if !slices.Contains(allowed, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		WriteBadField(w, r, slices.Min(unknown), "the query parameter is unknown")
		return nil, false
	}
	for _, name := range allowed {
		if len(values[name]) > 1 {
			WriteBadField(w, r, name, "the query parameter is given twice")
			return nil, false
		}
	}
	return values, true
}
