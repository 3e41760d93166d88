package jira

import (
	"bytes"
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

// site is a Jira that answers as it is told, behind the whole connector.
type site struct {
	t       *testing.T
	handler http.Handler // the connector's
	circuit *breaker.Breaker

	mu     sync.Mutex
	answer http.HandlerFunc
	seen   []seen
	calls  []guard.Call
}

// seen is a request that reached Jira.
type seen struct {
	line string
	body map[string]any
	raw  string
}

func newSite(t *testing.T, countClientErrors bool) *site {
	t.Helper()
	s := &site{t: t, answer: answering(200, `{}`)}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	keys := atlassian.NewKeyring(func(context.Context) (atlassian.Credentials, error) {
		return atlassian.Credentials{Email: "me@example.com", Token: "t"}, nil
	})
	if err := keys.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	classify := atlassian.Classify(countClientErrors)
	s.circuit, err = breaker.New(breaker.Config{Settings: breaker.Settings{Name: Circuit}, Store: memstore.New(), Classify: classify})
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(guard.Config{
		Breaker: s.circuit, TryTimeout: tryTimeout, Operations: Operations, Classify: classify, Retryable: atlassian.Retryable,
		Retry:  retry.Policy{MaxAttempts: 3, BaseDelay: time.Millisecond, MaxDelay: 10 * time.Millisecond},
		Report: func(_ context.Context, c guard.Call) { s.mu.Lock(); defer s.mu.Unlock(); s.calls = append(s.calls, c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	links, _ := url.Parse("https://site.example.com")
	s.handler = Handler(New(atlassian.New(atlassian.Config{Base: base, Auth: atlassian.Basic, Keys: keys}), g, links))
	return s
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(raw))
	var body map[string]any
	_ = json.Unmarshal(raw, &body)
	s.mu.Lock()
	s.seen = append(s.seen, seen{r.Method + " " + r.RequestURI, body, string(raw)})
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

func (s *site) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

// do calls the connector as a client does.
func (s *site) do(method, path, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest(method, "/api/v1/jira"+path, strings.NewReader(body)))
	return w
}

// problem is what clients are told of an error.
type problem struct {
	Type, Field, Circuit, Detail, Reason string
	Status, Attempts                     int
	Retryable                            *bool
	Errors                               map[string]string
	RetryAfterSeconds                    int    `json:"retry_after_seconds"`
	UpstreamStatus                       int    `json:"upstream_status"`
	UpstreamRequestID                    string `json:"upstream_request_id"`
}

func readProblem(t *testing.T, w *httptest.ResponseRecorder) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s is no problem", w.Code, w.Body)
	}
	return p
}
