package confluence

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian/sitetest"
)

// site is a Confluence that answers as it is told, behind the whole connector.
type site struct {
	*sitetest.Site
	connector *Connector
	handler   http.Handler // the connector's
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := sitetest.New(t, Circuit, Operations, time.Minute, false) // 4 MB take a busy machine seconds
	c := New(s.Client, s.Guard, s.Links)
	return &site{Site: s, connector: c, handler: Handler(c)}
}

// lines are those of the requests that reached Confluence.
func (s *site) lines() []string {
	var lines []string
	for _, r := range s.Requests() {
		lines = append(lines, r.Line)
	}
	return lines
}

// get calls the connector as a client does.
func (s *site) get(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/confluence"+path, nil))
	return w
}

// page is a page of a list as a client reads it.
type page struct {
	Items []map[string]any
	Next  string `json:"next_page_token"`
}

func readItems(t testing.TB, w *httptest.ResponseRecorder) page {
	t.Helper()
	var p page
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusOK || p.Items == nil {
		t.Fatalf("%d %s is no page: %v", w.Code, w.Body, err)
	}
	return p
}
