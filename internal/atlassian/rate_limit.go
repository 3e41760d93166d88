package atlassian

import (
	"net/http"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/pkg/retry"
)

// Atlassian has three independent kinds of limits (developer.atlassian.com, "Rate
// limiting", 2026-10) and names the one that was reached in RateLimit-Reason:
//
//	jira-burst-based           too many requests a second to one endpoint: over in seconds
//	jira-per-issue-on-write    too many changes of one issue: likewise
//	jira-quota-global-based,   an app's points for the hour are used up: nothing is served
//	jira-quota-tenant-based,   until the next hour begins
//	confluence-quota-…
//
// Other names, such as jira-cost-based, occur and are not documented. They are
// treated as bursts, as is a 429 without a name: Retry-After decides whether a
// call waits. See openFor for the limits that open the circuit.

// QuotaStop reports whether the service serves nothing until a quota is refilled.
// A call never waits for that, even if the wait is short.
func (e *Error) QuotaStop() bool { return strings.Contains(e.RateLimit, "-quota-") }

// limitOf returns the name of the limit that a 429 reports. Atlassian's edge, in
// front of the products, has its own header for its own limit.
func limitOf(h http.Header) (reason string, edge bool) {
	if reason := token(h.Get("RateLimit-Reason")); reason != "" {
		return reason, false
	}
	category := token(h.Get("X-Failure-Category"))
	return category, category != ""
}

// maxWait caps the wait that the service asks for: quotas are by the hour, and a
// wrong date would mean years.
const maxWait = 24 * time.Hour

// retryAfter returns how long the service asks to be left alone, at least; 0 if it
// does not say. If headers contradict each other, the longest counts.
func retryAfter(h http.Header, now time.Time) time.Duration {
	var longest time.Duration
	for _, value := range h.Values("Retry-After") {
		d, _ := retry.ParseRetryAfter(value, now)
		longest = max(longest, d)
	}
	return min(longest, maxWait)
}

// limitedFor is retryAfter for a 429, which may have only the time at which the
// limit is reset. Other answers have X-RateLimit-Reset too, for limits that were
// not reached.
func limitedFor(h http.Header, quota bool, now time.Time) time.Duration {
	longest := max(retryAfter(h, now), untilReset(h, now))
	if longest == 0 && quota {
		return now.Truncate(time.Hour).Add(time.Hour).Sub(now)
	}
	return longest
}

func untilReset(h http.Header, now time.Time) time.Duration {
	var longest time.Duration
	for _, value := range h.Values("X-RateLimit-Reset") {
		for _, format := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} { // seconds may be missing
			if t, err := time.Parse(format, value); err == nil {
				longest = max(longest, t.Sub(now))
			}
		}
	}
	return min(longest, maxWait)
}
