package atlassian

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

func TestProblems(t *testing.T) {
	yes, no := new(true), new(false)
	for rule, c := range map[string]struct {
		err       error
		status    int
		typ       string
		retryable *bool
		wait      int
		reason    string
		detail    string
	}{
		"a rate limit says when":                    {&Error{Reason: "rate_limited", Status: 429, Wait: 90 * time.Second, RateLimit: "jira-burst-based"}, 503, "upstream-unavailable", yes, 90, "jira-burst-based", "the service limits the rate of requests: jira-burst-based"},
		"a rate limit that does not say when":       {&Error{Reason: "rate_limited", Status: 429}, 503, "upstream-unavailable", yes, 5, "rate_limited", "the service limits the rate of requests"},
		"an outage may say when":                    {&Error{Reason: "http_503", Status: 503, Wait: 7 * time.Second}, 503, "upstream-unavailable", yes, 7, "http_503", "the service failed: http_503"},
		"a timeout":                                 {&Error{Reason: "timeout"}, 503, "upstream-unavailable", yes, 5, "timeout", "the service failed: timeout"},
		"a change of unknown outcome is not resent": {&Error{Reason: "timeout", Ambiguous: true}, 502, "outcome-unknown", no, 0, "timeout", "the service did not say whether it performed the request: look for its result before you send it again"},
		"a change made for an anonymous caller":     {&Error{Reason: "unauthorized", Status: 201, Ambiguous: true}, 502, "outcome-unknown", no, 0, "unauthorized", "the service did not say whether it performed the request: look for its result before you send it again"},
		"rejected credentials are not the client's": {&Error{Reason: "unauthorized", Status: 200}, 502, "upstream-authentication", no, 0, "unauthorized", "the service does not accept the credentials that this function is configured with"},
		"a conflict is passed on":                   {&Error{Reason: "http_409", Status: 409, Messages: []string{"a", "b"}}, 409, "upstream-refused", no, 0, "http_409", "a b"},
		"a method that is not allowed is our fault": {&Error{Reason: "http_405", Status: 405}, 502, "upstream-refused", no, 0, "http_405", ""},
		"no time was left for the call":             {context.DeadlineExceeded, 503, "upstream-unavailable", yes, 5, "timeout", "the service did not answer in time"},
		"wrapped by the wait for a retry":           {fmt.Errorf("%w (waiting: %w)", &Error{Reason: "http_500", Status: 500}, context.Canceled), 503, "upstream-unavailable", yes, 5, "http_500", "the service failed: http_500"},
		"another call has its place":                {guard.ErrBusy, 503, "busy", yes, 1, "", "too many calls are in flight"},
	} {
		t.Run(rule, func(t *testing.T) {
			w := httptest.NewRecorder()
			WriteProblem(w, httptest.NewRequest("GET", "/", nil), "jira_api", c.err)
			var p struct {
				Type, Detail, Circuit, Reason string
				Retryable                     *bool
				RetryAfterSeconds             int `json:"retry_after_seconds"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			if w.Code != c.status || p.Type != "urn:coldfuse:problem:"+c.typ || p.Detail != c.detail || c.reason != "" && p.Reason != c.reason || p.Circuit != "jira_api" ||
				p.RetryAfterSeconds != c.wait || p.Retryable == nil || *p.Retryable != *c.retryable {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

// Such a try may go on and change something.
func TestAnAbandonedTryIsNotReportedAsRetryable(t *testing.T) {
	g, err := guard.New(guard.Config{TryTimeout: time.Millisecond, Operations: []string{"test.stubborn"}, Retry: retry.Policy{}})
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	defer close(end)
	_, err = guard.Run(t.Context(), g, "test.stubborn", func(context.Context) (int, error) { <-end; return 0, nil })
	w := httptest.NewRecorder()
	WriteProblem(w, httptest.NewRequest("GET", "/", nil), "jira_api", err)
	var p map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if _, told := p["retryable"]; told || w.Code != 503 {
		t.Errorf("got %d %v", w.Code, p)
	}
}
