package telemetry

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
)

func TestCall(t *testing.T) {
	tests := map[string]struct {
		call guard.Call
		want map[string]any
	}{
		"a success informs": {
			guard.Call{Outcome: guard.Succeeded, Attempts: 1, Duration: 12345678 * time.Nanosecond},
			map[string]any{
				"level": "INFO", "message": "Guarded call", "outcome": "success", "attempts": 1.0,
				"duration_ms": 12.346, "probe": false, "reason": nil,
				"Calls": 1.0, "Failures": 0.0, "Retries": 0.0, "CircuitOpen": 0.0, "DurationMs": 12.346,
			},
		},
		"a failure warns, with its class": {
			guard.Call{Outcome: guard.Failed, Reason: "http_503", Attempts: 4},
			map[string]any{"level": "WARN", "reason": "http_503", "attempts": 4.0, "Failures": 1.0, "Retries": 3.0},
		},
		"a panic is a failure, with the stack of where it arose": {
			guard.Call{Outcome: guard.Panicked, Reason: "panic", Attempts: 1, Stack: []byte("goroutine 7")},
			map[string]any{"level": "WARN", "Failures": 1.0, "stack_trace": "goroutine 7"},
		},
		"a rejection shows the open circuit": {
			guard.Call{Outcome: guard.Rejected, Reason: "timeout"},
			map[string]any{"level": "INFO", "attempts": 0.0, "CircuitOpen": 1.0, "Failures": 0.0, "Retries": 0.0},
		},
		"a neutral outcome is not one of these": {
			guard.Call{Outcome: guard.Neutral, Reason: "busy"},
			map[string]any{"level": "INFO", "CircuitOpen": 0.0, "Failures": 0.0},
		},
		"a probe is marked": {
			guard.Call{Outcome: guard.Succeeded, Attempts: 1, Probe: true},
			map[string]any{"probe": true},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			logger, lines := setup(t, "info")
			test.call.Circuit, test.call.Operation = "jira_api", "jira.get_issue"
			test.call.Err = errors.New("the upstream's words")
			Calls(logger)(invocationContext(), test.call)
			got := lines()
			if len(got) != 1 {
				t.Fatalf("%d lines, want 1", len(got))
			}
			want(t, got[0], test.want)
			want(t, got[0], map[string]any{
				"circuit": "jira_api", "operation": "jira.get_issue", "service": "jira",
				"requestId": "id-1", "traceId": "1-5759e988-bd862e3fe1be46a994272793",
			})
			checkEMF(t, got[0])
			for _, value := range got[0] {
				if text, ok := value.(string); ok && strings.Contains(text, "upstream") {
					t.Errorf("the error's text was logged: %s", text)
				}
			}
		})
	}
}

func TestCallWithoutCircuitIsStillAMetric(t *testing.T) {
	logger, lines := setup(t, "info")
	Calls(logger)(invocationContext(), guard.Call{Operation: "sessions.create_session", Outcome: guard.Succeeded, Attempts: 1})
	want(t, lines()[0], map[string]any{"circuit": "none"})
	checkEMF(t, lines()[0])
}

func TestCredentialsRejected(t *testing.T) {
	logger, lines := setup(t, "info")
	CredentialsRejected(logger, "jira_api")(invocationContext())
	want(t, lines()[0], map[string]any{
		"level": "WARN", "message": "Credentials rejected", "circuit": "jira_api", "CredentialsRejected": 1.0,
	})
	checkEMF(t, lines()[0])
}
