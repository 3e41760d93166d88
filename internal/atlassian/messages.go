package atlassian

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
)

// Limits of the service's text that is passed on.
const (
	maxText   = 300
	maxFields = 50
)

// upstreamMessages returns what a 4xx answer says is wrong. It knows four shapes:
//
//	{"errorMessages":["…"],"errors":{"field":"…"}}        Jira
//	{"errors":[{"status":…,"title":"…","detail":"…"}]}    Confluence, v2
//	{"statusCode":…,"message":"…"}                        Confluence, v1
//	{"title":"…","detail":"…"}                            RFC 9457, of both
//
// Any other body has no messages, such as a page of HTML or the gateway's own
// answer ({"code":…,"message":"…"}).
func upstreamMessages(body []byte) (messages []string, fields map[string]string) {
	var a struct {
		ErrorMessages []string        `json:"errorMessages"`
		Errors        json.RawMessage `json:"errors"`
		StatusCode    int             `json:"statusCode"`
		Message       string          `json:"message"`
		words
	}
	if !readable(body, &a) {
		return nil, nil
	}
	all := append(a.ErrorMessages, a.Title, a.Detail)
	if a.StatusCode != 0 {
		all = append(all, a.Message)
	}
	var list []words
	if readable(a.Errors, &list) {
		for _, w := range list {
			all = append(all, w.Title, w.Detail)
		}
	}
	for _, m := range all {
		if m = clean(stripExceptionClass(m)); m != "" && len(messages) < maxFields {
			messages = append(messages, m)
		}
	}
	return messages, fieldMessages(a.Errors)
}

type words struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// readable decodes data into v and reports whether it could, apart from members of
// the wrong type, which are skipped.
func readable(data []byte, v any) bool {
	var mistyped *json.UnmarshalTypeError
	err := json.Unmarshal(data, v)
	return err == nil || errors.As(err, &mistyped)
}

func fieldMessages(errors json.RawMessage) map[string]string {
	var raws map[string]json.RawMessage
	if json.Unmarshal(errors, &raws) != nil {
		return nil
	}
	fields := make(map[string]string)
	for name, raw := range raws {
		var text string
		if json.Unmarshal(raw, &text) != nil || len(fields) == maxFields {
			continue
		}
		if name, text = clean(name), clean(stripExceptionClass(text)); name != "" && text != "" {
			fields[name] = text
		}
	}
	return fields
}

// stripExceptionClass removes leading names of Java exceptions, such as
// "com.atlassian.x.BadRequestException: ", from a message.
func stripExceptionClass(message string) string {
	for {
		class, rest, more := strings.Cut(strings.TrimSpace(message), ":")
		switch {
		case !isException(class):
			return message
		case !more:
			return ""
		}
		message = rest
	}
}

// isException reports whether s is the full name of an exception class, such as
// java.io.IOException: packages in lower case, and a telling suffix.
func isException(s string) bool {
	at := strings.LastIndexByte(s, '.')
	if at < 1 || !strings.HasSuffix(s, "Exception") && !strings.HasSuffix(s, "Error") {
		return false
	}
	packages, class := s[:at], s[at+1:]
	return 'A' <= class[0] && class[0] <= 'Z' && !strings.ContainsFunc(class, notInName) &&
		strings.Contains(packages, ".") && packages == strings.ToLower(packages) &&
		!strings.ContainsFunc(packages, func(r rune) bool { return r != '.' && notInName(r) })
}

func notInName(r rune) bool {
	return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// clean returns the service's text as one line of bounded length, or "" if it
// holds markup. Comparison signs are not markup: Jira lists them for a wrong query.
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

// beginsTag reports whether a browser would take what stands behind a '<' for a
// tag (HTML standard, "tag open state").
func beginsTag(s string) bool {
	return s != "" && (s[0] == '/' || s[0] == '!' || s[0] == '?' || 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z')
}
