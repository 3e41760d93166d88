package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian/sitetest"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestBadInputNeverReachesJira(t *testing.T) {
	long := strings.Repeat("1", 300)
	for rule, c := range map[string]struct {
		method, path, body string
		status             int
		field              string
	}{
		"malformed JSON":                        {"POST", "/search", `{"jql":`, 400, ""},
		"an unknown field":                      {"POST", "/search", `{"jql":"project = A","x":1}`, 400, "x"},
		"a wrong type":                          {"POST", "/search", `{"jql":1}`, 400, "jql"},
		"no jql":                                {"POST", "/search", `{}`, 400, "jql"},
		"blank jql":                             {"POST", "/search", `{"jql":" \n"}`, 400, "jql"},
		"jql that only orders":                  {"POST", "/search", `{"jql":" Order  BY created"}`, 400, "jql"},
		"jql that is too long":                  {"POST", "/search", `{"jql":"` + strings.Repeat("x", maxJQL+1) + `"}`, 400, "jql"},
		"a limit of 0":                          {"POST", "/search", `{"jql":"project = A","limit":0}`, 400, "limit"},
		"a limit of 101":                        {"POST", "/search", `{"jql":"project = A","limit":101}`, 400, "limit"},
		"a field that is no name":               {"POST", "/search", `{"jql":"project = A","fields":["a b"]}`, 400, "fields"},
		"a broken token":                        {"POST", "/search", `{"jql":"project = A","page_token":"%%%"}`, 400, "page_token"},
		"a body of over 1 MB":                   {"POST", "/search", `{"jql":"` + strings.Repeat("x", 1<<20) + `"}`, 413, ""},
		"a key that is none":                    {"GET", "/issues/A%20B", "", 400, "key"},
		"a key that would leave its path":       {"GET", "/issues/..%2Fproject", "", 400, "key"},
		"a key that would add a query":          {"GET", "/issues/OPS-1%3Fexpand=x", "", 400, "key"},
		"an over-long key":                      {"GET", "/issues/OPS-" + long, "", 400, "key"},
		"an unknown parameter":                  {"GET", "/issues/OPS-1?x=1", "", 400, "x"},
		"an expansion that is no name":          {"GET", "/issues/OPS-1?expand=a%26b", "", 400, "expand"},
		"no project":                            {"POST", "/issues", `{"issue_type":"Task","summary":"s"}`, 400, "project_key"},
		"no issue type":                         {"POST", "/issues", `{"project_key":"OPS","summary":"s"}`, 400, "issue_type"},
		"no summary":                            {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task"}`, 400, "summary"},
		"a summary of two lines":                {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"a\nb"}`, 400, "summary"},
		"two descriptions":                      {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"s","description":"a","description_adf":{}}`, 400, "description_adf"},
		"a description that is too long":        {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"s","description":"` + strings.Repeat("x", 32_768) + `"}`, 400, "description"},
		"a document that is none":               {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"s","description_adf":"a"}`, 400, "description_adf"},
		"a field that has a place of its own":   {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"s","fields":{"summary":"t"}}`, 400, "fields"},
		"a field of no name":                    {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"s","fields":{"a b":1}}`, 400, "fields"},
		"a label with a space":                  {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"s","labels":["a b"]}`, 400, "labels"},
		"a project's number that is none":       {"GET", "/issue-types?project_id=OPS", "", 400, "project_id"},
		"a foreign token of projects":           {"GET", "/projects?page_token=e30", "", 400, "page_token"},
		"a limit of projects that is no number": {"GET", "/projects?limit=x", "", 400, "limit"},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, true)
			w := s.do(c.method, c.path, c.body)
			p := sitetest.ReadProblem(t, w)
			if w.Code != c.status || p.Field != c.field {
				t.Errorf("%d %+v", w.Code, p)
			}
			if len(s.Requests()) != 0 || len(s.Calls()) != 0 {
				t.Errorf("%d requests reached Jira, %d calls were counted", len(s.Requests()), len(s.Calls()))
			}
		})
	}
}

func TestIdempotencyKeyIsRefusedRatherThanIgnored(t *testing.T) {
	s := newSite(t, false)
	r := httptest.NewRequest("POST", "/api/v1/jira/issues", strings.NewReader(`{"project_key":"OPS","issue_type":"Task","summary":"s"}`))
	r.Header.Set("Idempotency-Key", "k")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if p := sitetest.ReadProblem(t, w); w.Code != 400 || p.Field != "Idempotency-Key" || len(s.Requests()) != 0 {
		t.Errorf("%d %+v", w.Code, p)
	}
}

func TestEveryOtherQueryIsJirasToJudge(t *testing.T) {
	for _, jql := range []string{"invalid jql that will fail", "orderby = 1", "ORDER = by", "(project = A) ORDER BY x", "'", "project = 'ünï'"} {
		s := newSite(t, false)
		s.Answers(sitetest.Answering(200, `{"issues":[]}`))
		body, _ := json.Marshal(map[string]string{"jql": jql})
		if w := s.do("POST", "/search", string(body)); w.Code != 200 || len(s.Requests()) != 1 || bodyOf(s.Requests()[0])["jql"] != jql {
			t.Errorf("%q: %d, %+v", jql, w.Code, s.Requests())
		}
	}
}

func TestJirasAnswersAsTheClientsProblem(t *testing.T) {
	refused := `{"errorMessages":["The value is wrong."],"errors":{"summary":"is <b>bad</b>","priority":"is required"}}`
	for rule, c := range map[string]struct {
		status, want int
		body         string
		typ          string
		attempts     int
		retryable    bool
		retryAfter   bool
	}{
		"a 400 with its fields":                  {400, 400, refused, "upstream-refused", 1, false, false},
		"a 403":                                  {403, 403, refused, "upstream-refused", 1, false, false},
		"a 404":                                  {404, 404, `{"errorMessages":["Issue does not exist"]}`, "upstream-refused", 1, false, false},
		"a 410 is our mistake":                   {410, 502, `{}`, "upstream-refused", 1, false, false},
		"a 401 is not the client's":              {401, 502, ``, "upstream-authentication", 1, false, false},
		"a 429 that could not be waited out":     {429, 503, ``, "upstream-unavailable", 4, true, true},
		"a 503 is tried four times":              {503, 503, `<html>`, "upstream-unavailable", 4, true, true},
		"an answer that is no JSON is no answer": {200, 502, `<html>`, "upstream-answer", 1, false, false},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, false)
			s.Answers(sitetest.Answering(c.status, c.body))
			w := s.do("GET", "/issues/OPS-1", "")
			p := sitetest.ReadProblem(t, w)
			if w.Code != c.want || p.Type != c.typ || p.Attempts != c.attempts || p.UpstreamStatus != c.status ||
				p.UpstreamRequestID != "trace-1" || p.Circuit != Circuit || *p.Retryable != c.retryable {
				t.Errorf("%d %+v", w.Code, p)
			}
			if (w.Header().Get("Retry-After") != "") != c.retryAfter || (p.RetryAfterSeconds > 0) != c.retryAfter {
				t.Errorf("Retry-After %q, %d", w.Header().Get("Retry-After"), p.RetryAfterSeconds)
			}
			if len(s.Requests()) != c.attempts {
				t.Errorf("%d requests reached Jira", len(s.Requests()))
			}
		})
	}
	s := newSite(t, false)
	s.Answers(sitetest.Answering(400, refused))
	p := sitetest.ReadProblem(t, s.do("GET", "/issues/OPS-1", ""))
	if p.Errors["priority"] != "is required" || strings.Contains(p.Errors["summary"], "<") || p.Detail != "The value is wrong." {
		t.Errorf("fields are passed on, cleaned: %+v", p)
	}
}

func TestAQuotaIsAskedForOnceAndABurstAgain(t *testing.T) {
	for rule, c := range map[string]struct {
		reason, after string
		requests      int
		wait          int
	}{
		"a burst that passes at once":  {"jira-burst-based", "0", 4, 5},
		"a burst that outlasts a call": {"jira-per-issue-on-write", "1847", 1, 1847},
		"a quota":                      {"jira-quota-tenant-based", "1", 1, 1},
		"no reason":                    {"", "", 4, 5},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, false)
			s.Answers(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("RateLimit-Reason", c.reason)
				w.Header().Set("Retry-After", c.after)
				sitetest.Answering(429, "")(w, r)
			})
			ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
			defer cancel()
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/jira/projects", nil).WithContext(ctx))
			p := sitetest.ReadProblem(t, w)
			if w.Code != 503 || p.Reason != cmp.Or(c.reason, "rate_limited") || p.RetryAfterSeconds != c.wait || p.Attempts != c.requests ||
				p.UpstreamRequestID != "trace-1" || len(s.Requests()) != c.requests {
				t.Errorf("%d requests, %+v", len(s.Requests()), p)
			}
		})
	}
}

func TestClientErrorsOpenTheCircuitOnlyIfCounted(t *testing.T) {
	for _, counted := range []bool{false, true} {
		s := newSite(t, counted)
		s.Answers(sitetest.Answering(400, `{"errorMessages":["Error in the JQL Query"]}`))
		for range 6 {
			s.do("POST", "/search", `{"jql":"invalid jql that will fail"}`)
		}
		stats, err := s.Circuit.Stats(context.Background())
		if want := map[bool]breaker.State{false: breaker.Closed, true: breaker.Open}[counted]; err != nil || stats.State != want {
			t.Errorf("counted %v: %+v, %v", counted, stats, err)
		}
	}
}

func TestOpenCircuitIsA503WithoutACall(t *testing.T) {
	s := newSite(t, false)
	s.Answers(sitetest.Answering(500, ``))
	for range 5 {
		s.do("GET", "/projects", "")
	}
	before := len(s.Requests())
	w := s.do("GET", "/projects", "")
	p := sitetest.ReadProblem(t, w)
	if w.Code != 503 || p.Type != "circuit-open" || p.Circuit != Circuit || p.Attempts != 0 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %+v", w.Code, p)
	}
	if len(s.Requests()) != before {
		t.Error("a rejected call reached Jira")
	}
}

func TestCreateIsRepeatedOnlyWhereNothingWasCreated(t *testing.T) {
	body := `{"project_key":"OPS","issue_type":"Task","summary":"s"}`
	for rule, c := range map[string]struct {
		status, requests, want int
		typ                    string
	}{
		"a 500 leaves the outcome unknown": {500, 1, 502, "outcome-unknown"},
		"a 503 leaves the outcome unknown": {503, 1, 502, "outcome-unknown"},
		"a 504 leaves the outcome unknown": {504, 1, 502, "outcome-unknown"},
		"a 408 leaves the outcome unknown": {408, 1, 502, "outcome-unknown"},
		"a 429 is repeated":                {429, 4, 503, "upstream-unavailable"},
		"a 400 is not":                     {400, 1, 400, "upstream-refused"},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, false)
			s.Answers(sitetest.Answering(c.status, `{}`))
			w := s.do("POST", "/issues", body)
			if p := sitetest.ReadProblem(t, w); w.Code != c.want || p.Type != c.typ || len(s.Requests()) != c.requests {
				t.Errorf("%d %+v, %d requests", w.Code, p, len(s.Requests()))
			}
		})
	}
}
