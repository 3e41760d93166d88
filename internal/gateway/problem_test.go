package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestWriteProblem(t *testing.T) {
	tests := map[string]struct {
		problem    Problem
		want       string
		retryAfter string
	}{
		"a status alone tells everything": {
			Problem{Status: 404},
			`{"type":"about:blank","title":"Not Found","status":404,"instance":"gateway-id"}`, "",
		},
		"no status is a 500": {
			Problem{},
			`{"type":"about:blank","title":"Internal Server Error","status":500,"instance":"gateway-id"}`, "",
		},
		"everything has its name and place": {
			Problem{
				Type: "x", Title: "X", Status: 503, Detail: "d", Field: "f", Errors: map[string]string{"a": "b"},
				Circuit: "jira_api", RetryAfterSeconds: 30, Retryable: new(false), UpstreamStatus: 502,
				UpstreamRequestID: "u", Attempts: 4,
			},
			`{"type":"urn:coldfuse:problem:x","title":"X","status":503,"detail":"d","instance":"gateway-id",` +
				`"field":"f","errors":{"a":"b"},"circuit":"jira_api","retry_after_seconds":30,"retryable":false,` +
				`"upstream_status":502,"upstream_request_id":"u","attempts":4}`, "30",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out := call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				WriteProblem(w, r, test.problem)
			}), get("/"))
			if out.Body != test.want+"\n" {
				t.Errorf("got  %s\nwant %s", out.Body, test.want)
			}
			if got := out.Headers["Retry-After"]; got != test.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, test.retryAfter)
			}
			problemOf(t, out)
		})
	}
}

func TestRejection(t *testing.T) {
	open := &breaker.OpenError{Circuit: "jira_api", State: breaker.Open, RetryAfter: 2100 * time.Millisecond}
	tests := map[string]struct {
		err  error
		want Problem // of which Type, Circuit and RetryAfterSeconds are compared
		ok   bool
	}{
		"an open circuit says until when": {fmt.Errorf("call: %w", open), Problem{Type: "circuit-open", Circuit: "jira_api", RetryAfterSeconds: 3}, true},
		"a full bulkhead says soon":       {fmt.Errorf("call: %w", guard.ErrBusy), Problem{Type: "busy", RetryAfterSeconds: 1}, true},
		"any other error is no rejection": {errors.New("x"), Problem{}, false},
		"no error is no rejection":        {nil, Problem{}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := Rejection(test.err)
			if ok && (got.Status != http.StatusServiceUnavailable || !*got.Retryable || got.Detail == "") {
				t.Errorf("got %+v", got)
			}
			got = Problem{Type: got.Type, Circuit: got.Circuit, RetryAfterSeconds: got.RetryAfterSeconds}
			if ok != test.ok || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, test.want, test.ok)
			}
		})
	}
}

func TestSecondsRoundUp(t *testing.T) {
	for wait, want := range map[time.Duration]int{0: 1, time.Millisecond: 1, time.Second: 1, 1001 * time.Millisecond: 2, 30 * time.Second: 30} {
		if got := Seconds(wait); got != want {
			t.Errorf("Seconds(%s) = %d, want %d", wait, got, want)
		}
	}
}
