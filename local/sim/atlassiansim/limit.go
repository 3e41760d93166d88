package atlassiansim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits that Atlassian publishes
// (https://developer.atlassian.com/cloud/jira/platform/rate-limiting/).
const (
	burstLimit    = 100    // requests a second of a tenant, endpoint and method
	perIssueLimit = 20     // writes in 2 seconds
	quotaLimit    = 65_000 // points an hour of an app
)

// header is what a Status fault has besides its body. A 429 with a reason has
// the headers of that limit.
func (f Fault) header(now time.Time) map[string]string {
	header := map[string]string{}
	for name, value := range map[string]string{
		"Location": f.Location, "Retry-After": f.RetryAfter, "RateLimit-Reason": f.RateLimitReason,
		"X-RateLimit-Reset": f.RateLimitReset, "X-Failure-Category": f.FailureCategory,
	} {
		if value != "" {
			header[name] = value
		}
	}
	if f.Status != http.StatusTooManyRequests || f.RateLimitReason == "" {
		return header
	}
	wait, known := f.wait(now)
	if known && f.RateLimitReset == "" {
		header["X-RateLimit-Reset"] = now.Add(wait).UTC().Format(time.RFC3339)
	}
	header["X-RateLimit-Remaining"], header["X-RateLimit-NearLimit"] = "0", "true"
	limit := burstLimit
	switch {
	case strings.Contains(f.RateLimitReason, "-quota-"):
		limit = quotaLimit
		header["Beta-RateLimit-Policy"] = fmt.Sprintf(`"global-app-quota";q=%d;w=3600`, quotaLimit)
		if known {
			header["Beta-RateLimit"] = fmt.Sprintf(`"global-app-quota";r=0;t=%d`, wait/time.Second)
		}
	case strings.Contains(f.RateLimitReason, "-per-issue-"):
		limit = perIssueLimit
	}
	header["X-RateLimit-Limit"] = strconv.Itoa(limit)
	return header
}

// wait reads RetryAfter, seconds or a date.
func (f Fault) wait(now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.Atoi(f.RetryAfter); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(f.RetryAfter)
	return at.Sub(now), err == nil
}
