package apicheck

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWrapLetsThroughWhatItSees(t *testing.T) {
	const sent, answered = `{"jql":"x"}`, `{"items":[],"total":0}`
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); string(body) != sent || err != nil {
			t.Errorf("the handler reads %q, %v", body, err)
		}
		r.Method, r.URL.Path = "GET", "/elsewhere" // as a handler may
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, answered[:5])
		io.WriteString(w, answered[5:])
	})
	var errs []error
	w := httptest.NewRecorder()
	wrapped := load(t).Wrap(next, func(err error) { errs = append(errs, err) })
	wrapped.ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/jira/search", strings.NewReader(sent)))
	if w.Code != 200 || w.Body.String() != answered {
		t.Errorf("the client gets %d %s", w.Code, w.Body)
	}
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "POST /api/v1/jira/search answered 200") || !strings.Contains(errs[0].Error(), "total") {
		t.Errorf("reported %v, want one error that names the field", errs)
	}
}

func TestWrapReportsNothingOfWhatIsDescribed(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"message":"Not Found"}`)
	})
	w := httptest.NewRecorder()
	wrapped := load(t).Wrap(next, func(err error) { t.Error(err) })
	wrapped.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 404 {
		t.Errorf("the client gets %d", w.Code)
	}
}
