package jira

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/atlassian/sitetest"
)

// site is a Jira that answers as it is told, behind the whole connector.
type site struct {
	*sitetest.Site
	t       *testing.T
	handler http.Handler // the connector's
}

func newSite(t *testing.T, countClientErrors bool) *site {
	t.Helper()
	s := sitetest.New(t, Circuit, Operations, tryTimeout, countClientErrors)
	return &site{Site: s, t: t, handler: Handler(New(s.Client, s.Guard, s.Links))}
}

// do calls the connector as a client does.
func (s *site) do(method, path, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest(method, "/api/v1/jira"+path, strings.NewReader(body)))
	return w
}

// bodyOf is a request's body.
func bodyOf(r sitetest.Request) map[string]any {
	var body map[string]any
	_ = json.Unmarshal(r.Body, &body)
	return body
}
