package atlassian

import (
	"net/http"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/pkg/retry"
)

// Atlassian limits in three ways that have nothing to do with each other
// (developer.atlassian.com, "Rate limiting", 2026-10) and names which one it was
// in RateLimit-Reason:
//
//	jira-burst-based           too many requests a second to one endpoint: gone in seconds
//	jira-per-issue-on-write    too many changes of one issue: likewise
//	jira-quota-global-based,   an app's points of the hour are used up: nothing is served until
//	jira-quota-tenant-based,   the next hour begins, and asking again only adds to what is asked
//	confluence-quota-…
//
// Others, such as jira-cost-based, are seen and not documented. They are taken
// for bursts, as is a 429 without a name: what it asks for with Retry-After
// decides whether a call waits. What stops the whole fleet is told by stopFor.

// QuotaStop reports whether the service will serve nothing before a quota is
// filled up again. No wait within a call is worth it, however short it seems.
func (e *Error) QuotaStop() bool { return strings.Contains(e.RateLimit, "-quota-") }

// limitOf is the reason of a 429. Atlassian's edge, which is in front of the
// products, has another header for its own.
func limitOf(h http.Header) (reason string, edge bool) {
	if reason := token(h.Get("RateLimit-Reason")); reason != "" {
		return reason, false
	}
	category := token(h.Get("X-Failure-Category"))
	return category, category != ""
}

// maxWait caps what the service asks for: quotas are by the hour, and a wrong
// date would keep callers away for years.
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

// limitedFor is retryAfter of a 429, which may leave Retry-After out and say
// only when the limit is reset. Other answers have X-RateLimit-Reset too, of
// limits that were not reached.
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
