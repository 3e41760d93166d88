package gateway

import (
	"fmt"
	"net/http"
	"testing"
)

func TestRoutes(t *testing.T) {
	routes := Routes(map[string]http.HandlerFunc{
		"GET /things/{id}":  func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "thing ", r.PathValue("id")) },
		"POST /things":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "posted") },
		"GET /things":       func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "all") },
		"GET /missing/{id}": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "own 404", http.StatusNotFound) },
	})
	tests := map[string]struct {
		method, path string
		status       int
		allow        string
		body         string // of an answer that is no problem
	}{
		"a match is served":                   {"GET", "/things", 200, "", "all"},
		"a slash within a segment stays in":   {"GET", "/things/a%2Fb", 200, "", "thing a/b"},
		"no match is 404":                     {"GET", "/nothing", 404, "", ""},
		"a trailing slash is another path":    {"GET", "/things/", 404, "", ""},
		"a double slash is not redirected":    {"GET", "//things", 404, "", ""},
		"dots are not redirected":             {"GET", "/x/../things", 404, "", ""},
		"another method is 405":               {"DELETE", "/things", 405, "GET, POST", ""},
		"HEAD is another method":              {"HEAD", "/things/1", 405, "GET", ""},
		"OPTIONS is another method":           {"OPTIONS", "/things/1", 405, "GET", ""},
		"a handler's own 404 is not replaced": {"GET", "/missing/1", 404, "", "own 404\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out := call(t, routes, request(test.method, test.path, ""))
			if out.StatusCode != test.status || out.Headers["Allow"] != test.allow {
				t.Errorf("got %d, Allow %q, want %d, %q", out.StatusCode, out.Headers["Allow"], test.status, test.allow)
			}
			if test.body == "" {
				problemOf(t, out)
			} else if out.Body != test.body {
				t.Errorf("got %q, want %q", out.Body, test.body)
			}
		})
	}
}

func TestQuery(t *testing.T) {
	tests := map[string]struct {
		query string
		field string
		ok    bool
	}{
		"what is allowed passes":             {"limit=1", "", true},
		"a parameter given twice is invalid": {"limit=1&limit=2", "limit", false},
		"nothing passes":                     {"", "", true},
		"an unknown parameter is named":      {"limit=1&stict=true", "stict", false},
		"the first of several is named":      {"z=1&y=2", "y", false},
		"a malformed query is invalid":       {"limit=%zz", "", false},
		"a semicolon is no separator":        {"limit=1;x=2", "", false},
		"parameter names are case-sensitive": {"Limit=1", "Limit", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			event := get("/")
			event.RawQueryString = test.query
			out := call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if values, ok := Query(w, r, "limit"); ok {
					WriteJSON(w, http.StatusOK, values)
				}
			}), event)
			if ok := out.StatusCode == http.StatusOK; ok != test.ok {
				t.Fatalf("status %d", out.StatusCode)
			}
			if !test.ok && problemOf(t, out).Field != test.field {
				t.Errorf("got %s, want field %q", out.Body, test.field)
			}
		})
	}
}
