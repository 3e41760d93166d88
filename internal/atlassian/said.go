package atlassian

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
)

// Limits of what is passed on of the service's words.
const (
	maxText   = 300
	maxFields = 50
)

// said reads what a 4xx answer says is wrong. It knows four shapes:
//
//	{"errorMessages":["…"],"errors":{"field":"…"}}        Jira
//	{"errors":[{"status":…,"title":"…","detail":"…"}]}    Confluence, v2
//	{"statusCode":…,"message":"…"}                        Confluence, v1
//	{"title":"…","detail":"…"}                            RFC 9457, of both
//
// Any other body, such as a page of HTML or what Atlassian's gateway says for
// itself ({"code":…,"message":"…"}), says nothing.
func said(body []byte) (messages []string, fields map[string]string) {
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
		if m = clean(withoutClass(m)); m != "" && len(messages) < maxFields {
			messages = append(messages, m)
		}
	}
	return messages, saidOfFields(a.Errors)
}

type words struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// readable decodes what it can: a member of another type than it should have
// leaves the others readable.
func readable(data []byte, v any) bool {
	var mistyped *json.UnmarshalTypeError
	err := json.Unmarshal(data, v)
	return err == nil || errors.As(err, &mistyped)
}

func saidOfFields(errors json.RawMessage) map[string]string {
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
		if name, text = clean(name), clean(withoutClass(text)); name != "" && text != "" {
			fields[name] = text
		}
	}
	return fields
}

// withoutClass leaves out the names of Java's exceptions that a message begins
// with, such as "com.atlassian.x.BadRequestException: ", and is nothing where
// the message is no more than that.
func withoutClass(message string) string {
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

// isException accepts the full name of a class, such as java.io.IOException:
// packages in small letters, and a name that says what it is.
func isException(s string) bool {
	at := strings.LastIndexByte(s, '.')
	if at < 1 || !strings.HasSuffix(s, "Exception") && !strings.HasSuffix(s, "Error") {
		return false
	}
	packages, class := s[:at], s[at+1:]
	return 'A' <= class[0] && class[0] <= 'Z' && !strings.ContainsFunc(class, isNoName) &&
		strings.Contains(packages, ".") && packages == strings.ToLower(packages) &&
		!strings.ContainsFunc(packages, func(r rune) bool { return r != '.' && isNoName(r) })
}

func isNoName(r rune) bool {
	return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
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
