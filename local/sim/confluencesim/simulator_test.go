package confluencesim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

const gateway = "/ex/confluence/" + atlassiansim.DefaultCloudID

// newSimulator has a clock that stands still and no lag.
func newSimulator() *Simulator {
	return New(atlassiansim.Options{Lag: atlassiansim.NoLag, Now: simtest.NewClock().Now})
}

// get sends a request with good credentials.
func get(s *Simulator, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.SetBasicAuth(atlassiansim.DefaultEmail, atlassiansim.DefaultToken)
	return simtest.Serve(s, r)
}

// read decodes the body of an answer, which must have succeeded.
func read[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code > 299 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return v
}

func TestWhoIsServed(t *testing.T) {
	const v2, v1 = "/wiki/api/v2/spaces", "/wiki/rest/api/search?cql=type%3Dpage"
	basic := func(r *http.Request) { r.SetBasicAuth(atlassiansim.DefaultEmail, atlassiansim.DefaultToken) }
	wrong := func(r *http.Request) { r.SetBasicAuth(atlassiansim.DefaultEmail, "wrong") }
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+atlassiansim.DefaultToken) }
	nobody := func(*http.Request) {}
	cases := []struct {
		rule, path string
		sign       func(*http.Request)
		status     int
		message    string // a part of the body
	}{
		{"the right pair", v2, basic, 200, `"results"`},
		{"the right pair at the gateway", gateway + v2, basic, 200, `"results"`},
		{"a bearer at the gateway", gateway + v1, bearer, 200, `"results"`},
		{"no bearer at the site", v2, bearer, 403, `{"code":403`},
		{"a wrong pair is not an empty list", v2, wrong, 403, `{"errors":[{"code":"FORBIDDEN"`},
		{"a wrong pair finds nothing", v1, wrong, 403, `PermissionException: Current user not permitted to use Confluence`},
		{"nobody, in v2", v2, nobody, 401, `{"errors":[{"code":"UNAUTHORIZED","detail":null,"status":401`},
		{"nobody, in v1", v1, nobody, 403, `"statusCode":403`},
		{"nobody at the gateway", gateway + v2, nobody, 403, `{"code":403`},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			r := httptest.NewRequest("GET", c.path, nil)
			c.sign(r)
			w := simtest.Serve(newSimulator(), r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.message) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.message)
			}
			if failed := w.Header().Get("X-Seraph-LoginReason") == "AUTHENTICATED_FAILED"; failed != strings.HasPrefix(c.rule, "a wrong pair") {
				t.Errorf("X-Seraph-LoginReason %q", w.Header().Get("X-Seraph-LoginReason"))
			}
		})
	}
}

func TestSeedIsTheSameEveryTime(t *testing.T) {
	dump := func() string {
		return get(newSimulator(), "/wiki/api/v2/spaces/65537/pages?limit=250&body-format=storage").Body.String()
	}
	if first, second := dump(), dump(); first != second {
		t.Error("two simulators differ")
	}
}

func TestSearchLagsBehindNewPages(t *testing.T) {
	clock := simtest.NewClock()
	s := New(atlassiansim.Options{Lag: func() time.Duration { return 3 * time.Second }, Now: clock.Now})
	w := simtest.Serve(s, httptest.NewRequest("POST", "/_sim/pages", strings.NewReader(`{"space":"DOC","title":"Fresh","body":"<p>zebra</p>"}`)))
	id := read[struct{ ID string }](t, w).ID
	found := func() int {
		return read[struct{ TotalSize int }](t, get(s, "/wiki/rest/api/search?cql=text~zebra")).TotalSize
	}
	if n := found(); n != 0 {
		t.Errorf("found %d at once, want 0", n)
	}
	if w := get(s, "/wiki/api/v2/pages/"+id+"?body-format=storage"); !strings.Contains(w.Body.String(), "zebra") {
		t.Errorf("the page itself: %d %s", w.Code, w.Body)
	}
	clock.Advance(3 * time.Second)
	if n := found(); n != 1 {
		t.Errorf("found %d after the lag, want 1", n)
	}
	s.Reset()
	if w := get(s, "/wiki/api/v2/pages/"+id); w.Code != 404 {
		t.Errorf("after a reset: %d, want 404", w.Code)
	}
}

func TestNewPageRefusals(t *testing.T) {
	cases := []struct{ rule, body, field string }{
		{"a space must exist", `{"space":"NOPE","title":"x"}`, "space"},
		{"a title is needed", `{"space":"DOC"}`, "title"},
		{"an unknown field is named", `{"space":"DOC","title":"x","status":"draft"}`, "status"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			w := simtest.Serve(newSimulator(), httptest.NewRequest("POST", "/_sim/pages", strings.NewReader(c.body)))
			if w.Code != 400 || !strings.Contains(w.Body.String(), `{"field":"`+c.field+`"`) {
				t.Errorf("%d %s, want 400 of %s", w.Code, w.Body, c.field)
			}
		})
	}
}
