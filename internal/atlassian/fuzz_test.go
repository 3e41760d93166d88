package atlassian

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whatever the service says, what is passed on is short, plain and of one line.
func FuzzSaid(f *testing.F) {
	f.Add(`{"errorMessages":["a"],"errors":{"b":"c"}}`, 400, "7")
	f.Add(`<html>`, 503, "")
	f.Add(`{"statusCode":400,"message":"java.lang.XException: y:"}`, 400, "")
	f.Add(`{"title":"t","detail":"d"}`, 405, "Fri, 31 Dec 1999 23:59:59 GMT")
	f.Fuzz(func(t *testing.T, body string, status int, after string) {
		res := &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}, "Atl-Traceid": {body}}}
		e := fromAnswer(res, []byte(body), false, time.Unix(1_800_000_000, 0))
		texts := append([]string{e.RequestID}, e.Messages...)
		for name, text := range e.Fields {
			texts = append(texts, name, text)
		}
		for _, s := range texts {
			if len(s) > maxText+8 || strings.ContainsAny(s, "\n\r\x00") || holdsTag(s) {
				t.Errorf("passed on %q", s)
			}
		}
		if e.Wait < 0 || len(e.Messages) > maxFields || len(e.Fields) > maxFields {
			t.Errorf("%+v", e)
		}
	})
}

func holdsTag(s string) bool {
	for i := range len(s) {
		if s[i] == '<' && beginsTag(s[i+1:]) {
			return true
		}
	}
	return false
}
