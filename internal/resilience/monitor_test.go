package resilience

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fixed is a circuit that stands as it is told to.
type fixed struct {
	stats breaker.Stats
	err   error
	hangs bool // until the context ends
}

func (f fixed) Name() string { return f.stats.Name }

func (f fixed) Stats(ctx context.Context) (breaker.Stats, error) {
	if f.hangs {
		<-ctx.Done()
		return breaker.Stats{}, ctx.Err()
	}
	return f.stats, f.err
}

func (f fixed) History(context.Context, int) ([]breaker.Transition, error) { return nil, f.err }
func (f fixed) SetOverride(context.Context, breaker.Override) error        { return f.err }
func (f fixed) ClearOverride(context.Context, string) error                { return f.err }

func closed(name string, failures int) fixed {
	return fixed{stats: breaker.Stats{
		Name: name, State: breaker.Closed, FailureCount: failures, FailureThreshold: 5, SuccessThreshold: 2,
	}}
}

func standing(state breaker.State, failures, successes int) fixed {
	last := time.Date(2026, 1, 8, 19, 53, 29, 987_000_000, time.UTC)
	opened := time.Date(2026, 1, 8, 20, 53, 30, 0, time.FixedZone("elsewhere", 3600))
	c := closed("jira_api", failures)
	c.stats.State, c.stats.SuccessCount = state, successes
	c.stats.LastFailureTime, c.stats.OpenedAt = &last, &opened
	return c
}

func now() time.Time { return time.Date(2026, 1, 8, 19, 54, 0, 0, time.UTC) }

func serve(method, target string, circuits ...Circuit) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	Handler(slog.New(slog.DiscardHandler), now, "openapi: 3.1.1", circuits...).ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

func TestShapes(t *testing.T) {
	healthy := []Circuit{closed("jira_api", 0), closed("confluence_api", 0)}
	open := []Circuit{standing(breaker.Open, 5, 0), closed("confluence_api", 0)}
	probed := []Circuit{standing(breaker.HalfOpen, 5, 1), closed("confluence_api", 2)}
	tests := map[string]struct {
		path     string
		circuits []Circuit
		status   int
	}{
		"circuit-breakers":          {"circuit-breakers", healthy, 200},
		"circuit-breakers-open":     {"circuit-breakers", open, 200},
		"circuit-breaker":           {"circuit-breakers/jira_api", healthy, 200},
		"circuit-breaker-open":      {"circuit-breakers/jira_api", open, 200},
		"circuit-breaker-half-open": {"circuit-breakers/jira_api", probed, 200},
		"circuit-breaker-unknown":   {"circuit-breakers/nobody", healthy, 404},
		"health":                    {"health", healthy, 200},
		"health-degraded":           {"health", open, 200},
		"summary":                   {"summary", healthy, 200},
		"summary-open":              {"summary", open, 200},
		"summary-half-open":         {"summary", probed, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := serve(http.MethodGet, "/api/v1/resilience/"+test.path, test.circuits...)
			if w.Code != test.status {
				t.Errorf("status %d, want %d", w.Code, test.status)
			}
			golden(t, name, w.Body.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden.json")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTheDescriptionIsServedAsYAML(t *testing.T) {
	w := serve("GET", "/api/v1/openapi.yaml")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/yaml" || w.Body.String() != "openapi: 3.1.1" {
		t.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
	}
	if w := serve("GET", "/api/v1/openapi.yaml?x=1"); w.Code != 400 {
		t.Errorf("an unknown parameter: %d", w.Code)
	}
}

func TestHealthForLoadBalancers(t *testing.T) {
	tests := map[string]struct {
		query   string
		circuit Circuit
		status  int
	}{
		"degraded is 200":                             {"", standing(breaker.Open, 5, 0), 200},
		"strict makes it 503":                         {"?strict=true", standing(breaker.Open, 5, 0), 503},
		"strict may be switched off":                  {"?strict=false", standing(breaker.Open, 5, 0), 200},
		"strict leaves healthy alone":                 {"?strict=true", closed("jira_api", 4), 200},
		"strict lets the probes of half-open through": {"?strict=true", standing(breaker.HalfOpen, 5, 0), 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := serve(http.MethodGet, "/api/v1/resilience/health"+test.query, test.circuit)
			if w.Code != test.status || !strings.Contains(w.Body.String(), `"total_circuits":1`) {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, test.status)
			}
		})
	}
}

func TestHealthPercentage(t *testing.T) {
	tests := map[string]struct {
		stats breaker.Stats
		want  string
	}{
		"closed without failures is whole":       {breaker.Stats{State: breaker.Closed, FailureThreshold: 5}, "100.0"},
		"closed falls with the failures":         {breaker.Stats{State: breaker.Closed, FailureThreshold: 3, FailureCount: 1}, "66.7"},
		"closed with too many is not below zero": {breaker.Stats{State: breaker.Closed, FailureThreshold: 5, FailureCount: 6}, "0.0"},
		"open is nothing":                        {breaker.Stats{State: breaker.Open, FailureThreshold: 5, FailureCount: 5}, "0.0"},
		"half-open starts at nothing":            {breaker.Stats{State: breaker.HalfOpen, SuccessThreshold: 3}, "0.0"},
		"half-open rises with the successes":     {breaker.Stats{State: breaker.HalfOpen, SuccessThreshold: 3, SuccessCount: 1}, "33.3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := healthPercentage(test.stats).MarshalJSON()
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestInvalidRequests(t *testing.T) {
	tests := map[string]struct {
		method, path string
		status       int
		body         string // part of it
	}{
		"an unknown circuit is named":         {"GET", "circuit-breakers/nobody", 404, `"circuit":"nobody"`},
		"a name's case matters":               {"GET", "circuit-breakers/JIRA_API", 404, `"circuit":"JIRA_API"`},
		"an unknown path":                     {"GET", "nothing", 404, `"status":404`},
		"strict must be a truth value":        {"GET", "health?strict=yes", 400, `"field":"strict"`},
		"health rejects an unknown parameter": {"GET", "health?stict=true", 400, `"field":"stict"`},
		"nothing can be posted":               {"POST", "summary", 405, `"status":405`},
		"HEAD is not served":                  {"HEAD", "health", 405, `"status":405`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := serve(test.method, "/api/v1/resilience/"+test.path, closed("jira_api", 0))
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("got %d %s, want %d with %s", w.Code, w.Body, test.status, test.body)
			}
		})
	}
}

func TestUnreadableStoreIsA503Everywhere(t *testing.T) {
	broken := closed("confluence_api", 0)
	broken.err = errors.New("endpoint secret.example refused")
	for _, path := range []string{"circuit-breakers", "circuit-breakers/confluence_api", "health", "summary"} {
		t.Run(path, func(t *testing.T) {
			var log bytes.Buffer
			w := httptest.NewRecorder()
			h := Handler(slog.New(slog.NewTextHandler(&log, nil)), now, "", closed("jira_api", 0), broken)
			h.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/resilience/"+path, nil))
			if w.Code != 503 || w.Header().Get("Retry-After") != "1" || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
			}
			if line := log.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, "secret.example") {
				t.Errorf("logged %q", line)
			}
		})
	}
	t.Run("but a circuit that can be read is shown", func(t *testing.T) {
		if w := serve("GET", "/api/v1/resilience/circuit-breakers/jira_api", closed("jira_api", 0), broken); w.Code != 200 {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func TestHangingStoreIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jira, confluence := closed("jira_api", 0), closed("confluence_api", 0)
		jira.hangs, confluence.hangs = true, true
		start := time.Now()
		w := serve("GET", "/api/v1/resilience/health", jira, confluence)
		if waited := time.Since(start); w.Code != 503 || waited != readTimeout {
			t.Errorf("got %d after %s, want 503 after %s", w.Code, waited, readTimeout)
		}
	})
}

// panicking is a circuit with a mistake in it.
type panicking struct{ fixed }

func (panicking) Stats(context.Context) (breaker.Stats, error) { panic("mistake") }

func TestPanicReachesTheHandlersGoroutine(t *testing.T) {
	defer func() {
		if value := recover(); value != "mistake" {
			t.Errorf("recovered %v", value)
		}
	}()
	serve("GET", "/api/v1/resilience/health", closed("jira_api", 0), panicking{closed("confluence_api", 0)})
}
