package gateway

import (
	"net/http"
	"testing"
	"time"
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

func TestSecondsRoundUp(t *testing.T) {
	for wait, want := range map[time.Duration]int{0: 1, time.Millisecond: 1, time.Second: 1, 1001 * time.Millisecond: 2, 30 * time.Second: 30} {
		if got := Seconds(wait); got != want {
			t.Errorf("Seconds(%s) = %d, want %d", wait, got, want)
		}
	}
}
