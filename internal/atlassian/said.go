package atlassian

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/coldfuse/coldfuse/pkg/retry"
)

// Limits of what is passed on of the service's words.
const (
	maxText   = 300
	maxFields = 50
)

// said reads what a 4xx answer says is wrong: {"errorMessages":[…],"errors":{…}}
// of Jira, or the title and detail of an RFC 9457 problem. Any other body, such
// as a page of HTML, says nothing.
func said(body []byte) (messages []string, fields map[string]string) {
	var a struct {
		ErrorMessages []string                   `json:"errorMessages"`
		Errors        map[string]json.RawMessage `json:"errors"`
		Title, Detail string
	}
	// A member of another type than it should have leaves the others readable.
	var mistyped *json.UnmarshalTypeError
	if err := json.Unmarshal(body, &a); err != nil && !errors.As(err, &mistyped) {
		return nil, nil
	}
	for _, m := range append(a.ErrorMessages, a.Title, a.Detail) {
		if m = clean(m); m != "" && len(messages) < maxFields {
			messages = append(messages, m)
		}
	}
	for name, raw := range a.Errors {
		var text string
		if json.Unmarshal(raw, &text) != nil || len(fields) == maxFields {
			continue
		}
		if name, text = clean(name), clean(text); name != "" && text != "" {
			if fields == nil {
				fields = make(map[string]string)
			}
			fields[name] = text
		}
	}
	return messages, fields
}

// clean makes the service's text fit to be shown: one line of bounded length,
// and nothing at all where it holds markup. Comparison signs are none: Jira
// lists them where a query is wrong.
func clean(s string) string {
	var b strings.Builder
	s = strings.ToValidUTF8(s, "")
	for i, r := range s {
		switch {
		case i >= maxText:
			return strings.TrimSpace(b.String()) + "…"
		case r == '<' && beginsTag(s[i+1:]):
			return ""
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// beginsTag tells whether a browser would take what stands behind a '<' for a
// tag (HTML standard, "tag open state").
func beginsTag(s string) bool {
	return s != "" && (s[0] == '/' || s[0] == '!' || s[0] == '?' || 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z')
}

// maxWait caps what the service asks for: quotas are by the hour, and a wrong
// date would keep callers away for years.
const maxWait = 24 * time.Hour

// retryAfter is how long the service asks to be left alone. Atlassian's gateway
// may leave Retry-After out of a 429 and only say when the limit is reset.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if d, ok := retry.ParseRetryAfter(h.Get("Retry-After"), now); ok {
		return min(d, maxWait)
	}
	if t, err := time.Parse(time.RFC3339, h.Get("X-RateLimit-Reset")); err == nil {
		return min(max(t.Sub(now), 0), maxWait)
	}
	return 0
}
