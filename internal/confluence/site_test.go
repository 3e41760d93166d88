package confluence

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// site is a Confluence that answers as it is told, behind the whole connector.
type site struct {
	connector *Connector
	handler   http.Handler // the connector's
	circuit   *breaker.Breaker

	mu     sync.Mutex
	answer http.HandlerFunc
	seen   []string
	calls  []guard.Call
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{answer: answering(200, `{}`)}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	keys := atlassian.NewKeyring(func(context.Context) (atlassian.Credentials, error) {
		return atlassian.Credentials{Email: "me@example.com", Token: "t"}, nil
	})
	if err := keys.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
	classify := atlassian.Classify(false)
	s.circuit, err = breaker.New(breaker.Config{Settings: breaker.Settings{Name: Circuit}, Store: memstore.New(), Classify: classify})
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(guard.Config{
		Breaker: s.circuit, TryTimeout: 2 * time.Second, Operations: Operations, Classify: classify, Retryable: atlassian.Retryable,
		Retry:  retry.Policy{MaxAttempts: 3, BaseDelay: time.Millisecond, MaxDelay: 10 * time.Millisecond},
		Report: func(_ context.Context, c guard.Call) { s.mu.Lock(); defer s.mu.Unlock(); s.calls = append(s.calls, c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	links, _ := url.Parse("https://site.example.com")
	s.connector = New(atlassian.New(atlassian.Config{Base: base, Auth: atlassian.Basic, Keys: keys}), g, links)
	s.handler = Handler(s.connector)
	return s
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r.Method+" "+r.RequestURI)
	answer := s.answer
	s.mu.Unlock()
	answer(w, r)
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Atl-Traceid", "trace-1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (s *site) answers(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = h
}

// requests are those that reached Confluence.
func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
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

// problem is what clients are told of an error.
type problem struct {
	Type, Field, Circuit, Detail string
	Status, Attempts             int
	Retryable                    *bool
	RetryAfterSeconds            int    `json:"retry_after_seconds"`
	UpstreamStatus               int    `json:"upstream_status"`
	UpstreamRequestID            string `json:"upstream_request_id"`
}

func readProblem(t testing.TB, w *httptest.ResponseRecorder) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s is no problem", w.Code, w.Body)
	}
	p.Type = strings.TrimPrefix(p.Type, "urn:coldfuse:problem:")
	return p
}
