// Package sitetest is a site of Atlassian's for the tests of connectors: it
// answers as it is told and notes what reaches it.
package sitetest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// Site is the site, and what a connector to it consists of. It is safe for
// concurrent use.
type Site struct {
	Client  *atlassian.Client
	Guard   *guard.Guard
	Circuit *breaker.Breaker
	Links   *url.URL // where links for people lead

	mu     sync.Mutex
	answer http.HandlerFunc
	seen   []Request
	calls  []guard.Call
}

// Request is one that reached the site.
type Request struct {
	Line string // method and target
	Body []byte
}

// New starts a site, which answers {} until it is told otherwise, for a
// connector with the circuit and the operations. Retries wait for milliseconds.
func New(t testing.TB, circuit string, operations []string, tryTimeout time.Duration, countClientErrors bool) *Site {
	t.Helper()
	s := &Site{answer: Answering(http.StatusOK, `{}`)}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if s.Links, err = url.Parse("https://site.example.com"); err != nil {
		t.Fatal(err)
	}
	keys := atlassian.NewKeyring(func(context.Context) (atlassian.Credentials, error) {
		return atlassian.Credentials{Email: "me@example.com", Token: "t"}, nil
	})
	if err := keys.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.Client = atlassian.New(atlassian.Config{Base: base, Auth: atlassian.Basic, Keys: keys})
	classify := atlassian.Classify(countClientErrors)
	s.Circuit, err = breaker.New(breaker.Config{Settings: breaker.Settings{Name: circuit}, Store: memstore.New(), Classify: classify})
	if err != nil {
		t.Fatal(err)
	}
	s.Guard, err = guard.New(guard.Config{
		Breaker: s.Circuit, TryTimeout: tryTimeout, Operations: operations, Classify: classify, Retryable: atlassian.Retryable,
		Retry:  retry.Policy{MaxRetries: 3, BaseDelay: time.Millisecond, MaxDelay: 10 * time.Millisecond},
		Report: func(_ context.Context, c guard.Call) { s.mu.Lock(); defer s.mu.Unlock(); s.calls = append(s.calls, c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mu.Lock()
	s.seen = append(s.seen, Request{r.Method + " " + r.RequestURI, body})
	answer := s.answer
	s.mu.Unlock()
	answer(w, r)
}

// Answers makes h answer the requests from now on.
func (s *Site) Answers(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = h
}

// Answering returns the same JSON to every request.
func Answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Atl-Traceid", "trace-1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Requests are those that reached the site, in their order.
func (s *Site) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.seen...)
}

// Calls are the guarded calls that have ended.
func (s *Site) Calls() []guard.Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]guard.Call(nil), s.calls...)
}
