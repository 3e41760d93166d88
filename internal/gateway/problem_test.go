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
	open := func(reason string) error {
		return fmt.Errorf("call: %w", &breaker.OpenError{Circuit: "jira_api", State: breaker.Open, Reason: reason, RetryAfter: 2100 * time.Millisecond})
	}
	rejected := func(reason, detail string) Problem {
		return Problem{Type: "circuit-open", Detail: detail, Circuit: "jira_api", Reason: reason, RetryAfterSeconds: 3}
	}
	tests := map[string]struct {
		err  error
		want Problem // but for Title, Status and Retryable
		ok   bool
	}{
		"an open circuit says why, and until when": {open("http_503"), rejected("http_503", "the service behind jira_api is failing and is not called for now"), true},
		"one that is overridden does not blame it": {open(breaker.ReasonOverride), rejected("override", "an operator holds jira_api open: the service behind it is not called for now"), true},
		"nor does one of a service that limits":    {open("rate_limited"), rejected("rate_limited", "the service behind jira_api limits the rate of requests and is not called for now"), true},
		"a full bulkhead says soon":                {fmt.Errorf("call: %w", guard.ErrBusy), Problem{Type: "busy", Detail: "too many calls are in flight", RetryAfterSeconds: 1}, true},
		"any other error is no rejection":          {errors.New("x"), Problem{}, false},
		"no error is no rejection":                 {nil, Problem{}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := Rejection(test.err)
			if ok && (got.Status != http.StatusServiceUnavailable || !*got.Retryable || got.Title == "") {
				t.Errorf("got %+v", got)
			}
			got.Status, got.Title, got.Retryable = 0, "", nil
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
