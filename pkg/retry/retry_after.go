package retry

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ParseRetryAfter parses the value of an HTTP Retry-After header (RFC 9110,
// section 10.2.3): whole seconds, or a date in any of HTTP's three formats,
// which is measured from now. A date in the past returns 0; a wait longer than
// any Duration returns the longest Duration. For any other value, such as an
// empty, negative or fractional one, ParseRetryAfter returns false.
//
// 0 is valid and means "no minimum", not "now": Jira Data Center sends it with
// every 429 while tokens are left.
func ParseRetryAfter(header string, now time.Time) (time.Duration, bool) {
	header = strings.TrimSpace(header)
	if date, err := http.ParseTime(header); err == nil {
		return max(date.Sub(now), 0), true
	}
	if header == "" || strings.Trim(header, "0123456789") != "" {
		return 0, false
	}
	const most = math.MaxInt64 / int64(time.Second)
	seconds, err := strconv.ParseInt(header, 10, 64)
	if err != nil || seconds > most { // only digits, so the error is out of range
		return math.MaxInt64, true
	}
	return time.Duration(seconds) * time.Second, true
}
