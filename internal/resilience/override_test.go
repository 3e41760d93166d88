package resilience

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

const overridePath = "/api/v1/resilience/circuit-breakers/jira_api/override"

// operate calls the monitor of a circuit as alice, or as nobody.
func operate(t *testing.T, c Circuit, subject, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h := gateway.WithLocalSubject(Handler(slog.New(slog.DiscardHandler), time.Now, "", c), subject)
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func readFirst(t *testing.T) *breaker.Breaker {
	t.Helper()
	b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "jira_api", MaxAge: -1}, Store: memstore.New()})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnOverrideIsSetShownObeyedAndCleared(t *testing.T) {
	b := readFirst(t)
	if w := operate(t, b, "", "GET", overridePath, ""); w.Code != 404 || !strings.Contains(w.Body.String(), "no-override") {
		t.Fatalf("before: %d %s", w.Code, w.Body)
	}
	w := operate(t, b, "alice", "PUT", overridePath, `{"mode":"open","why":"maintenance","ttl_seconds":60}`)
	var set struct {
		Mode, By, Why string
		Until         time.Time
	}
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil || w.Code != 200 || set.Mode != "open" || set.By != "alice" || set.Why != "maintenance" ||
		time.Until(set.Until) > time.Minute || time.Until(set.Until) < 50*time.Second {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if shown := operate(t, b, "", "GET", overridePath, ""); shown.Code != 200 || shown.Body.String() != w.Body.String() {
		t.Errorf("shown %d %s, set %s", shown.Code, shown.Body, w.Body)
	}
	if _, err := b.Allow(context.Background()); err == nil {
		t.Error("a call was admitted")
	}
	if w := operate(t, b, "", "GET", "/api/v1/resilience/health", ""); !strings.Contains(w.Body.String(), `"status":"degraded"`) {
		t.Errorf("health: %s", w.Body)
	}
	if w := operate(t, b, "bob", "DELETE", overridePath, ""); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("cleared: %d %s", w.Code, w.Body)
	}
	if w := operate(t, b, "alice", "DELETE", overridePath, ""); w.Code != 204 {
		t.Errorf("cleared again: %d %s", w.Code, w.Body)
	}
	permit, err := b.Allow(context.Background())
	if err != nil {
		t.Fatalf("after: %v", err)
	}
	permit.Done(nil)
	w = operate(t, b, "", "GET", "/api/v1/resilience/circuit-breakers/jira_api/history?limit=1", "")
	if !strings.Contains(w.Body.String(), `"cleared":true,"cleared_by":"bob"`) || !strings.Contains(w.Body.String(), `"by":"alice"`) || strings.Count(w.Body.String(), `"at"`) != 1 {
		t.Errorf("history: %s", w.Body)
	}
	if w := operate(t, b, "", "GET", "/api/v1/resilience/circuit-breakers/jira_api/history", ""); strings.Count(w.Body.String(), `"at"`) != 2 || strings.Count(w.Body.String(), `"cleared_by"`) != 1 {
		t.Errorf("history: %s", w.Body)
	}
}

func TestInvalidOverrides(t *testing.T) {
	for rule, c := range map[string]struct {
		subject, method, path, body string
		status                      int
		wants                       string
	}{
		"nobody":                    {"", "PUT", overridePath, `{"mode":"open","why":"x","ttl_seconds":60}`, 401, "unauthenticated"},
		"nobody clears":             {"", "DELETE", overridePath, ``, 401, "unauthenticated"},
		"an unknown mode":           {"alice", "PUT", overridePath, `{"mode":"half_open","why":"x","ttl_seconds":60}`, 400, `"field":"mode"`},
		"no reason":                 {"alice", "PUT", overridePath, `{"mode":"open","ttl_seconds":60}`, 400, `"field":"why"`},
		"a reason too long":         {"alice", "PUT", overridePath, `{"mode":"open","why":"` + strings.Repeat("x", 513) + `","ttl_seconds":60}`, 400, `"field":"why"`},
		"no end":                    {"alice", "PUT", overridePath, `{"mode":"open","why":"x"}`, 400, `"field":"ttl_seconds"`},
		"an end too far":            {"alice", "PUT", overridePath, `{"mode":"open","why":"x","ttl_seconds":604801}`, 400, `"field":"ttl_seconds"`},
		"an unknown field":          {"alice", "PUT", overridePath, `{"mode":"open","why":"x","ttl_seconds":60,"by":"eve"}`, 400, `"field":"by"`},
		"an unknown circuit":        {"alice", "PUT", "/api/v1/resilience/circuit-breakers/other/override", `{}`, 404, "unknown-circuit"},
		"clearing an unknown one":   {"alice", "DELETE", "/api/v1/resilience/circuit-breakers/other/override", ``, 404, "unknown-circuit"},
		"the history of one":        {"", "GET", "/api/v1/resilience/circuit-breakers/other/history", ``, 404, "unknown-circuit"},
		"a history without a limit": {"", "GET", "/api/v1/resilience/circuit-breakers/jira_api/history?limit=101", ``, 400, `"field":"limit"`},
	} {
		t.Run(rule, func(t *testing.T) {
			if w := operate(t, readFirst(t), c.subject, c.method, c.path, c.body); w.Code != c.status || !strings.Contains(w.Body.String(), c.wants) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}

func TestOperatorsAreToldOfAStoreThatIsAway(t *testing.T) {
	away := fixed{stats: breaker.Stats{Name: "jira_api"}, err: context.DeadlineExceeded}
	for _, c := range []struct{ method, path, body string }{
		{"GET", overridePath, ""},
		{"PUT", overridePath, `{"mode":"open","why":"x","ttl_seconds":60}`},
		{"DELETE", overridePath, ""},
		{"GET", "/api/v1/resilience/circuit-breakers/jira_api/history", ""},
	} {
		if w := operate(t, away, "alice", c.method, c.path, c.body); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
}
