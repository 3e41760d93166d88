package atlassian

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// clockZero is what the site's clock begins with: 2027-01-15T08:00:00Z.
var clockZero = time.UnixMilli(1_800_000_000_000).UTC()

func TestRateLimits(t *testing.T) {
	at := func(d time.Duration, format string) string { return clockZero.Add(d).Format(format) }
	for rule, c := range map[string]struct {
		header    map[string]string
		class     string
		wait      time.Duration
		retryable bool
	}{
		"a burst is waited out": {
			map[string]string{"RateLimit-Reason": "jira-burst-based", "Retry-After": "2"}, "jira-burst-based", 2 * time.Second, true},
		"so are too many changes of one issue": {
			map[string]string{"RateLimit-Reason": "jira-per-issue-on-write", "Retry-After": "1"}, "jira-per-issue-on-write", time.Second, true},
		"a quota is not, however short it seems": {
			map[string]string{"RateLimit-Reason": "jira-quota-global-based", "Retry-After": "1"}, "jira-quota-global-based", time.Second, false},
		"nor is a tenant's": {
			map[string]string{"RateLimit-Reason": "jira-quota-tenant-based", "Retry-After": "1847"}, "jira-quota-tenant-based", 1847 * time.Second, false},
		"nor is Confluence's": {
			map[string]string{"RateLimit-Reason": "confluence-quota-based", "Retry-After": "5"}, "confluence-quota-based", 5 * time.Second, false},
		"a quota that does not say when is the hour's": {
			map[string]string{"RateLimit-Reason": "jira-quota-global-based"}, "jira-quota-global-based", time.Hour, false},
		"an undocumented reason is a burst": {
			map[string]string{"RateLimit-Reason": "jira-cost-based", "Retry-After": "3"}, "jira-cost-based", 3 * time.Second, true},
		"concurrency is a burst": {
			map[string]string{"RateLimit-Reason": "jira-max-concurrent-threads-based"}, "jira-max-concurrent-threads-based", 0, true},
		"no reason is a burst":                {map[string]string{"Retry-After": "4"}, "rate_limited", 4 * time.Second, true},
		"a reason that is no word is ignored": {map[string]string{"RateLimit-Reason": "<b>jira-quota-</b>"}, "rate_limited", 0, true},
		"the edge says it in a header of its own": {
			map[string]string{"X-Failure-Category": "FAILURE_CLIENT_RATE_LIMIT", "X-RateLimit-Reset": at(9*time.Second, time.RFC3339)},
			"FAILURE_CLIENT_RATE_LIMIT", 9 * time.Second, true},
		"nothing at all leaves it to the back-off": {nil, "rate_limited", 0, true},
		"0 leaves it to the back-off":              {map[string]string{"Retry-After": "0"}, "rate_limited", 0, true},
		"a date":                                   {map[string]string{"Retry-After": at(9*time.Second, http.TimeFormat)}, "rate_limited", 9 * time.Second, true},
		"a date that has passed":                   {map[string]string{"Retry-After": at(-time.Hour, http.TimeFormat)}, "rate_limited", 0, true},
		"a reset without seconds":                  {map[string]string{"X-RateLimit-Reset": at(time.Minute, "2006-01-02T15:04Z")}, "rate_limited", time.Minute, true},
		"a reset that has passed":                  {map[string]string{"X-RateLimit-Reset": at(-time.Minute, time.RFC3339)}, "rate_limited", 0, true},
		"the longer of two that differ":            {map[string]string{"Retry-After": "2", "X-RateLimit-Reset": at(time.Minute, time.RFC3339)}, "rate_limited", time.Minute, true},
		"whichever that is":                        {map[string]string{"Retry-After": "90", "X-RateLimit-Reset": at(time.Minute, time.RFC3339)}, "rate_limited", 90 * time.Second, true},
		"at most a day":                            {map[string]string{"Retry-After": "999999999999999999999"}, "rate_limited", 24 * time.Hour, true},
		"by a reset too":                           {map[string]string{"X-RateLimit-Reset": "9999-01-01T00:00:00Z"}, "rate_limited", 24 * time.Hour, true},
		"what is no time asks for none":            {map[string]string{"Retry-After": "soon", "X-RateLimit-Reset": "1700000000"}, "rate_limited", 0, true},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, Basic, answering(429, c.header, ""))
			var v any
			e, ok := errors.AsType[*Error](s.client.Do(context.Background(), Request{Method: http.MethodPost, Path: "/x", Changes: true}, &v))
			if !ok || e.Class() != c.class || e.RetryAfter() != c.wait || e.Retryable() != c.retryable || e.Reason != "rate_limited" || e.Ambiguous {
				t.Errorf("got %+v, class %s", e, e.Class())
			}
			if e.QuotaStop() == e.Retryable() {
				t.Errorf("a quota's end: %v", e.QuotaStop())
			}
		})
	}
}

// Other answers tell of limits that were not reached.
func TestAResetOfALimitThatWasNotReachedIsIgnored(t *testing.T) {
	s := newSite(t, Basic, answering(503, map[string]string{
		"X-RateLimit-Reset": clockZero.Add(time.Hour).Format(time.RFC3339), "RateLimit-Reason": "jira-quota-global-based", "Retry-After": "3",
	}, ""))
	var v any
	e, ok := errors.AsType[*Error](s.client.Do(context.Background(), get, &v))
	if !ok || e.Wait != 3*time.Second || e.Class() != "http_503" || !e.Retryable() {
		t.Errorf("got %+v", e)
	}
}

// Whatever the headers say, a wait is from 0 to a day, and its reason a word.
func FuzzRateLimit(f *testing.F) {
	f.Add("7", "2027-01-15T08:00:01Z", "jira-burst-based", "")
	f.Add("Fri, 31 Dec 1999 23:59:59 GMT", "0000-01-01T00:00Z", "-quota-", "x")
	f.Fuzz(func(t *testing.T, after, reset, reason, category string) {
		res := &http.Response{StatusCode: 429, Header: http.Header{
			"Retry-After": {after, after}, "X-Ratelimit-Reset": {reset}, "Ratelimit-Reason": {reason}, "X-Failure-Category": {category},
		}}
		e := fromAnswer(res, nil, true, clockZero)
		if e.Wait < 0 || e.Wait > maxWait || len(e.Class()) > 64 || e.Class() == "" || e.Ambiguous || token(e.Class()) != e.Class() {
			t.Errorf("%+v", e)
		}
	})
}

func TestLimitsThatOpenTheCircuit(t *testing.T) {
	for rule, c := range map[string]struct {
		err  Error
		want time.Duration
	}{
		"a quota that is used up":                 {Error{Status: 429, Reason: "rate_limited", RateLimit: "jira-quota-global-based", Wait: 5 * time.Second}, 5 * time.Second},
		"a quota of another product":              {Error{Status: 429, Reason: "rate_limited", RateLimit: "confluence-quota-tenant-based", Wait: time.Hour}, time.Hour},
		"a limit without a name, if it is long":   {Error{Status: 429, Reason: "rate_limited", Wait: 5 * time.Minute}, 5 * time.Minute},
		"the edge's own limit, if it is long":     {Error{Status: 429, Reason: "rate_limited", RateLimit: "FAILURE_CLIENT_THROTTLED", edge: true, Wait: 5 * time.Minute}, 5 * time.Minute},
		"but not a limit that calls can wait for": {Error{Status: 429, Reason: "rate_limited", Wait: 29 * time.Second}, 0},
		"nor the edge's, if it is short":          {Error{Status: 429, Reason: "rate_limited", RateLimit: "FAILURE_CLIENT_THROTTLED", edge: true, Wait: time.Second}, 0},
		"nor one endpoint's, however long":        {Error{Status: 429, Reason: "rate_limited", RateLimit: "jira-burst-based", Wait: time.Hour}, 0},
		"nor one issue's":                         {Error{Status: 429, Reason: "rate_limited", RateLimit: "jira-per-issue-on-write", Wait: 45 * time.Second}, 0},
		"nor one of a name that is not known":     {Error{Status: 429, Reason: "rate_limited", RateLimit: "jira-cost-based", Wait: time.Hour}, 0},
		"nor a limit that does not say how long":  {Error{Status: 429, Reason: "rate_limited"}, 0},
		"nor an outage that says when to be back": {Error{Status: 503, Reason: "http_503", Wait: 5 * time.Minute}, 0},
	} {
		t.Run(rule, func(t *testing.T) {
			o := Classify(false)(&c.err)
			if o.Verdict != breaker.Failed || o.OpenFor != c.want {
				t.Errorf("got %+v", o)
			}
		})
	}
}
