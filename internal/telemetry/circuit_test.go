package telemetry

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestTransition(t *testing.T) {
	retryAt := time.Date(2026, 1, 8, 19, 54, 0, 0, time.UTC)
	tests := map[string]struct {
		transition breaker.Transition
		want       map[string]any
	}{
		"opening warns, with the cause and when it will be tried again": {
			breaker.Transition{From: breaker.Closed, To: breaker.Open, Generation: 3, Reason: "http_503", RetryAt: retryAt},
			map[string]any{
				"level": "WARN", "message": "Circuit breaker 'jira_api' OPENED", "from": "closed", "to": "open",
				"generation": 3.0, "reason": "http_503", "retry_at": "2026-01-08T19:54:00Z",
				"state": "open", "CircuitState": 2.0, "CircuitTransitions": 1.0,
			},
		},
		"opening again is the same line": {
			breaker.Transition{From: breaker.HalfOpen, To: breaker.Open, Generation: 5, Reason: "timeout", RetryAt: retryAt},
			map[string]any{"level": "WARN", "message": "Circuit breaker 'jira_api' OPENED", "from": "half_open"},
		},
		"half-open informs": {
			breaker.Transition{From: breaker.Open, To: breaker.HalfOpen, Generation: 4},
			map[string]any{
				"level": "INFO", "message": "Circuit breaker 'jira_api' HALF_OPEN", "reason": nil, "retry_at": nil,
				"state": "half_open", "CircuitState": 1.0,
			},
		},
		"closing informs": {
			breaker.Transition{From: breaker.HalfOpen, To: breaker.Closed, Generation: 6},
			map[string]any{
				"level": "INFO", "message": "Circuit breaker 'jira_api' CLOSED", "state": "closed", "CircuitState": 0.0,
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			logger, lines := setup(t, "info")
			test.transition.Circuit = "jira_api"
			Observer(logger).Transition(invocationContext(), test.transition)
			got := lines()
			if len(got) != 1 {
				t.Fatalf("%d lines, want 1", len(got))
			}
			want(t, got[0], test.want)
			want(t, got[0], map[string]any{"circuit": "jira_api", "requestId": "id-1"})
			checkEMF(t, got[0])
		})
	}
}

func TestAnOverrideIsLoggedWithItsOperator(t *testing.T) {
	until := time.Date(2026, 1, 8, 20, 0, 0, 0, time.UTC)
	change := breaker.Transition{
		Circuit: "jira_api", From: breaker.Closed, To: breaker.Closed, Generation: 7,
		Override: &breaker.Override{Mode: breaker.OverrideOpen, By: "AROAX:alice", Why: "maintenance", Until: until},
	}
	cleared := change
	cleared.Cleared, cleared.ClearedBy = true, "AROAX:bob"
	for message, c := range map[string]struct {
		change    breaker.Transition
		clearedBy any
	}{
		"Circuit breaker 'jira_api' OVERRIDDEN":       {change, nil},
		"Circuit breaker 'jira_api' OVERRIDE_CLEARED": {cleared, "AROAX:bob"},
	} {
		logger, lines := setup(t, "info")
		Observer(logger).Overridden(invocationContext(), c.change)
		want(t, lines()[0], map[string]any{
			"level": "WARN", "message": message, "mode": "open", "by": "AROAX:alice", "why": "maintenance", "until": "2026-01-08T20:00:00Z",
			"cleared_by": c.clearedBy,
		})
	}
}

func TestAMissingHistoryEntryIsLogged(t *testing.T) {
	logger, lines := setup(t, "info")
	Observer(logger).HistoryFailed(invocationContext(), "jira_api", errors.New("throttled"))
	want(t, lines()[0], map[string]any{"level": "WARN", "message": "Circuit history lacks an entry", "circuit": "jira_api", "error": "throttled"})
}

func TestALocalTransitionIsNotLoggedAsTheFleets(t *testing.T) {
	logger, lines := setup(t, "info")
	Observer(logger).Transition(context.Background(), breaker.Transition{
		Circuit: "jira_api", From: breaker.Closed, To: breaker.Open, Reason: "timeout", Local: true,
	})
	want(t, lines()[0], map[string]any{
		"level":   "WARN",
		"message": "Store away: circuit breaker 'jira_api' OPENED in this environment only",
		"_aws":    nil, // the fleet's state is not known to have changed
	})
}

func TestProbeCut(t *testing.T) {
	logger, lines := setup(t, "info")
	Observer(logger).ProbeCut(context.Background(), "jira_api", 8*time.Second)
	want(t, lines()[0], map[string]any{
		"level": "WARN", "message": "Probe failed when its time was up, the next may take longer", "circuit": "jira_api", "next_ms": 8000.0,
	})
}

func TestStoreOutage(t *testing.T) {
	logger, lines := setup(t, "info")
	observer := Observer(logger)
	observer.StoreLost(context.Background(), "jira_api", errors.New("refused"))
	observer.StoreReturned(context.Background(), "jira_api", 1500*time.Millisecond)
	got := lines()
	want(t, got[0], map[string]any{
		"level": "WARN", "message": "Circuit store unreachable, deciding locally",
		"circuit": "jira_api", "error": "refused", "StoreLost": 1.0,
	})
	want(t, got[1], map[string]any{
		"level": "INFO", "message": "Circuit store reachable again",
		"circuit": "jira_api", "away_ms": 1500.0, "StoreReturned": 1.0,
	})
	checkEMF(t, got[0])
	checkEMF(t, got[1])
}

func TestGauge(t *testing.T) {
	for rule, c := range map[string]struct {
		stats breaker.Stats
		want  map[string]any
	}{
		"with a rate": {
			breaker.Stats{State: breaker.Closed, FailureRate: 0.12346, Calls: 812},
			map[string]any{"CircuitFailureRate": 12.35, "CircuitCalls": 812.0},
		},
		"closed":    {breaker.Stats{State: breaker.Closed}, map[string]any{"state": "closed", "CircuitState": 0.0, "CircuitOverridden": 0.0}},
		"half-open": {breaker.Stats{State: breaker.HalfOpen}, map[string]any{"state": "half_open", "CircuitState": 1.0, "CircuitOverridden": 0.0}},
		"open":      {breaker.Stats{State: breaker.Open}, map[string]any{"state": "open", "CircuitState": 2.0, "CircuitOverridden": 0.0}},
		"held open": {
			breaker.Stats{State: breaker.Open, Override: &breaker.Override{Mode: breaker.OverrideOpen}},
			map[string]any{"state": "open", "CircuitState": 2.0, "CircuitOverridden": 1.0},
		},
		"held closed": {
			breaker.Stats{State: breaker.Closed, Override: &breaker.Override{Mode: breaker.OverrideDisabled}},
			map[string]any{"state": "closed", "CircuitState": 0.0, "CircuitOverridden": 1.0},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			logger, lines := setup(t, "info")
			c.stats.Name = "jira_api"
			Gauge(logger)(invocationContext(), c.stats)
			got := lines()
			if len(got) != 1 {
				t.Fatalf("%d lines, want 1", len(got))
			}
			want(t, got[0], c.want)
			want(t, got[0], map[string]any{"level": "INFO", "message": "Gauged circuit", "circuit": "jira_api", "requestId": "id-1"})
			checkEMF(t, got[0])
		})
	}
}

// A gauge that is another metric than the transitions' would feed no alarm.
func TestTransitionsAndGaugesAreOneMetric(t *testing.T) {
	logger, lines := setup(t, "info")
	Observer(logger).Transition(invocationContext(), breaker.Transition{Circuit: "jira_api", From: breaker.Closed, To: breaker.Open})
	Gauge(logger)(invocationContext(), breaker.Stats{Name: "jira_api", State: breaker.Open})
	const want = "coldfuse [[stack circuit]] in None"
	transition, gauge := lines()[0], lines()[1]
	for _, got := range []string{measured(t, transition, "CircuitState"), measured(t, gauge, "CircuitState"), measured(t, gauge, "CircuitOverridden")} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
