package jira

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzIssueKey(f *testing.F) {
	f.Add("OPS-1")
	f.Add("../x")
	f.Add("A-1?x")
	f.Fuzz(func(t *testing.T, key string) {
		if !isIssueKey(key) {
			return
		}
		for _, c := range key {
			if !(c == '-' || c == '_' || c < 128 && (isLetter(byte(c)) || isDigit(byte(c)))) {
				t.Errorf("%q may hold %q", key, c)
			}
		}
	})
}

func FuzzJQLIsRefusedOnlyIfEmptyOrUnbounded(f *testing.F) {
	f.Add("ORDER BY x")
	f.Add(" order\u00a0by")
	f.Fuzz(func(t *testing.T, jql string) {
		if len(jql) > maxJQL-20 {
			return
		}
		if problem := jqlProblem("project = A " + jql); problem != "" {
			t.Errorf("%q with a restriction: %s", jql, problem)
		}
		if jqlProblem("ORDER BY "+jql) == "" {
			t.Errorf("%q without one is sent", jql)
		}
	})
}

// recorder is a Jira that keeps the last body.
type recorder struct {
	canned
	body []byte
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.body, _ = io.ReadAll(req.Body)
	return r.canned.RoundTrip(req)
}

// Whatever a client sends, Jira is sent a sound request or none.
func FuzzCreate(f *testing.F) {
	f.Add(newIssueBody, "k")
	f.Add(`{"project_key":"OPS","issue_type":"Task","summary":"s","description":"# a\n*b*","labels":["x"],"fields":{"priority":{"name":"High"}}}`, "")
	f.Add(`{"project_key":"OPS","issue_type":"Task","summary":"s","description_adf":{"type":"doc","version":1,"content":[]}}`, "\x7f")
	jira := &recorder{canned: `{"id":"1","key":"OPS-1"}`}
	handler := handlerOf(f, jira)
	f.Fuzz(func(t *testing.T, body, key string) {
		jira.body = nil
		r := httptest.NewRequest("POST", "/api/v1/jira/issues", strings.NewReader(body))
		r.Header["Idempotency-Key"] = []string{key}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		switch {
		case w.Code == 400 || w.Code == 413:
			if jira.body != nil {
				t.Errorf("%d, but Jira was sent %s", w.Code, jira.body)
			}
			return
		case w.Code != 201 && w.Code != 409:
			t.Errorf("%d %s", w.Code, w.Body)
		}
		var sent struct {
			Fields struct {
				Project   struct{ Key string }
				Issuetype struct{ Name string }
				Summary   string
				Labels    []string
			}
			Properties []any
		}
		if jira.body == nil { // replayed, or the key's is another issue
			return
		}
		if err := json.Unmarshal(jira.body, &sent); err != nil || !isProjectKey(sent.Fields.Project.Key) || sent.Fields.Issuetype.Name == "" ||
			sent.Fields.Summary == "" || !strings.HasPrefix(sent.Fields.Labels[len(sent.Fields.Labels)-1], "idem-") || len(sent.Properties) != 1 {
			t.Errorf("sent %s: %v", jira.body, err)
		}
	})
}

// A query reaches Jira as it is, or not at all.
func FuzzSearch(f *testing.F) {
	f.Add("project = OPS", "summary", "")
	f.Add(`text ~ "\u2028" ORDER BY x`, "*all", "e30")
	jira := &recorder{canned: `{"issues":[]}`}
	handler := handlerOf(f, jira)
	f.Fuzz(func(t *testing.T, jql, field, token string) {
		jira.body = nil
		body, _ := json.Marshal(map[string]any{"jql": jql, "fields": []string{field}, "page_token": token})
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/jira/search", strings.NewReader(string(body))))
		var sent struct{ JQL string }
		switch {
		case w.Code == 200:
			if err := json.Unmarshal(jira.body, &sent); err != nil || utf8.ValidString(jql) && sent.JQL != jql {
				t.Errorf("%q reaches Jira as %q, %v", jql, sent.JQL, err)
			}
		case w.Code != 400 && w.Code != 413 || jira.body != nil:
			t.Errorf("%d %s, sent %s", w.Code, w.Body, jira.body)
		}
	})
}

// No name of a project, even if it holds JQL, changes what the marker query asks.
func FuzzMarkerQuery(f *testing.F) {
	f.Add("OPS", int64(0))
	f.Add(`x" OR project = "Y`, int64(time.Hour))
	f.Add("\\", int64(-1))
	f.Fuzz(func(t *testing.T, project string, age int64) {
		query := markerQuery(project, "idem-0123456789abcdef", max(time.Duration(age), 0))
		rest, begins := strings.CutPrefix(query, "project = ")
		operand, rest, whole := cutOperand(rest)
		if !begins || !whole || operand != project {
			t.Fatalf("%q is asked for as %q: %s", project, operand, query)
		}
		if !strings.HasPrefix(rest, ` AND labels = "idem-0123456789abcdef" AND created >= -`) || !strings.HasSuffix(rest, "m ORDER BY created ASC") {
			t.Errorf("%q: the rest is %s", project, rest)
		}
	})
}

// cutOperand reads a quoted operand as JQL does (Atlassian's "Special characters
// in advanced search").
func cutOperand(s string) (operand, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s) && s[0] == '"'; i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\n', '\r', '\t':
			return "", "", false
		case '\\':
			i++
			if i == len(s) {
				return "", "", false
			}
			c, special := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t'}[s[i]]
			if !special {
				c = s[i]
			}
			b.WriteByte(c)
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

// FuzzSearchResult: the decoder reads what encoding/json reads.
func FuzzSearchResult(f *testing.F) {
	f.Add(`{"issues":[{"id":"1","key":"OPS-1","fields":{"a":1},"self":"x"}],"nextPageToken":"n\u0041","isLast":false}`)
	f.Add(`{"issues":null,"isLast":true,"nextPageToken":null}`)
	f.Add(`{"issues":[{}],"x":{"y":[1]}}`)
	f.Add(`{"issues":[null]}`)
	f.Fuzz(func(t *testing.T, in string) {
		var a searchResult
		if a.Decode([]byte(in)) != nil {
			return
		}
		var want struct {
			Issues        []struct{ ID, Key string }
			NextPageToken string
			IsLast        any
		}
		if err := json.Unmarshal([]byte(in), &want); err != nil && json.Valid([]byte(in)) {
			return // members of other types that are skipped
		} else if err != nil {
			t.Fatalf("%q is read: %v", in, err)
		}
		if strings.Contains(in, `\`) || strings.Count(strings.ToLower(in), "issues") > 1 || !utf8.ValidString(in) {
			return // names may be escaped, or repeated
		}
		c := &Connector{site: "https://site.example.com"}
		for i, found := range a.issues {
			if issue := c.issue(found); i < len(want.Issues) && strings.Count(in, `"id"`)+strings.Count(in, `"key"`) <= 2 &&
				(issue.ID != want.Issues[i].ID || issue.Key != want.Issues[i].Key || issue.URL != c.browse(issue.Key)) {
				t.Errorf("%q becomes %+v, want %+v", in, issue, want.Issues[i])
			}
		}
	})
}
