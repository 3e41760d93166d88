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

func TestWhoOverrodeIsLogged(t *testing.T) {
	until := time.Date(2026, 1, 8, 20, 0, 0, 0, time.UTC)
	change := breaker.Transition{
		Circuit: "jira_api", From: breaker.Closed, To: breaker.Closed, Generation: 7,
		Override: &breaker.Override{Mode: breaker.OverrideOpen, By: "AROAX:alice", Why: "maintenance", Until: until},
	}
	for message, cleared := range map[string]bool{"Circuit breaker 'jira_api' OVERRIDDEN": false, "Circuit breaker 'jira_api' OVERRIDE_CLEARED": true} {
		logger, lines := setup(t, "info")
		change.Cleared = cleared
		Observer(logger).Overridden(invocationContext(), change)
		want(t, lines()[0], map[string]any{
			"level": "WARN", "message": message, "mode": "open", "by": "AROAX:alice", "why": "maintenance", "until": "2026-01-08T20:00:00Z",
		})
	}
}

func TestAMissingEntryOfTheHistoryIsALine(t *testing.T) {
	logger, lines := setup(t, "info")
	Observer(logger).HistoryFailed(invocationContext(), "jira_api", errors.New("throttled"))
	want(t, lines()[0], map[string]any{"level": "WARN", "message": "Circuit history lacks an entry", "circuit": "jira_api", "error": "throttled"})
}

func TestLocalTransitionIsNotTheFleets(t *testing.T) {
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

func TestStoreLossAndReturn(t *testing.T) {
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
