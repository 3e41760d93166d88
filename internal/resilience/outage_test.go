package resilience

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// A monitor sees an outage from the store alone: its own breaker makes no call.
func TestOutageAsAMonitorSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		connector, monitor := newBreaker(t, store), newBreaker(t, store)
		down := errors.New("down")
		attempt := func(result error) {
			_ = connector.Do(context.Background(), func(context.Context, *breaker.Permit) error { return result })
		}
		shows := func(want ...string) {
			t.Helper()
			w := httptest.NewRecorder()
			Handler(slog.New(slog.DiscardHandler), time.Now, "", monitor).
				ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/resilience/circuit-breakers/jira_api", nil))
			for _, part := range want {
				if !strings.Contains(w.Body.String(), part) {
					t.Errorf("got %s, want %s", w.Body, part)
				}
			}
		}

		shows(`"state":"closed"`, `"failure_count":0`, `"last_failure_time":null`, `"opened_at":null`)
		for range 4 {
			attempt(down)
		}
		shows(`"state":"closed"`, `"failure_count":4`, `"last_failure_time":"2000-01-01T00:00:`, `"opened_at":null`)
		attempt(down)
		shows(`"state":"open"`, `"failure_count":5`, `"opened_at":"2000-01-01T00:00:`)
		time.Sleep(31 * time.Second)
		shows(`"state":"half_open"`, `"success_count":0`, `"opened_at":"2000-01-01T00:00:`)
		attempt(nil)
		shows(`"state":"half_open"`, `"success_count":1`)
		time.Sleep(time.Second)
		attempt(nil)
		shows(`"state":"closed"`, `"failure_count":0`, `"last_failure_time":"2000-01-01T00:00:`, `"opened_at":null`)
	})
}

func newBreaker(t *testing.T, store breaker.Store) *breaker.Breaker {
	t.Helper()
	b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "jira_api"}, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
