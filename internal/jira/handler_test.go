package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian/sitetest"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/idempotency"
	"github.com/coldfuse/coldfuse/internal/idempotency/memstore"
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
		"a query of search":                     {"POST", "/search?limit=1", `{"jql":"project = A"}`, 400, "limit"},
		"a query of create":                     {"POST", "/issues?notify=false", `{"project_key":"OPS","issue_type":"Task","summary":"s"}`, 400, "notify"},
		"an issue type that is too long":        {"POST", "/issues", `{"project_key":"OPS","issue_type":"` + strings.Repeat("バ", 101) + `","summary":"s"}`, 400, "issue_type"},
		"text of projects that is too long":     {"GET", "/projects?query=" + strings.Repeat("%C3%BC", 256), "", 400, "query"},
		"text of projects that is no UTF-8":     {"GET", "/projects?query=%ff", "", 400, "query"},
		"a malformed key":                       {"GET", "/issues/A%20B", "", 400, "key"},
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
		"a document that is not an object":      {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"s","description_adf":"a"}`, 400, "description_adf"},
		"a field that has a place of its own":   {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"s","fields":{"summary":"t"}}`, 400, "fields"},
		"a field of no name":                    {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"s","fields":{"a b":1}}`, 400, "fields"},
		"a label with a space":                  {"POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"s","labels":["a b"]}`, 400, "labels"},
		"a malformed project number":            {"GET", "/issue-types?project_id=OPS", "", 400, "project_id"},
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

func TestTextIsMeasuredInCharacters(t *testing.T) {
	for rule, c := range map[string]struct{ method, path, body string }{
		"an issue type":    {"POST", "/issues", `{"project_key":"OPS","issue_type":"` + strings.Repeat("バ", 100) + `","summary":"s"}`},
		"text of projects": {"GET", "/projects?query=" + strings.Repeat("%C3%BC", 255), ""},
	} {
		s := newSite(t, false)
		s.Answers(sitetest.Answering(200, `{"id":"1","key":"OPS-1","isLast":true}`))
		if w := s.do(c.method, c.path, c.body); w.Code > 201 || len(s.Requests()) != 1 {
			t.Errorf("%s: %d %s", rule, w.Code, w.Body)
		}
	}
}

func TestAnUnsupportedIdempotencyKeyIsRejected(t *testing.T) {
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
	rejected := `{"errorMessages":["The value is wrong."],"errors":{"summary":"is <b>bad</b>","priority":"is required"}}`
	for rule, c := range map[string]struct {
		status, want int
		body         string
		typ          string
		attempts     int
		retryable    bool
		retryAfter   bool
	}{
		"a 400 with its fields":                  {400, 400, rejected, "upstream-refused", 1, false, false},
		"a 403":                                  {403, 403, rejected, "upstream-refused", 1, false, false},
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
	s.Answers(sitetest.Answering(400, rejected))
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

// What one endpoint or one issue is asked too much of is no reason to leave the
// rest of Jira alone.
func TestALimitOfOneEndpointIsOneFailure(t *testing.T) {
	for rule, c := range map[string]struct {
		reason string
		calls  int
		state  breaker.State
	}{
		"one issue's limit":        {"jira-per-issue-on-write", 1, breaker.Closed},
		"one endpoint's":           {"jira-burst-based", 1, breaker.Closed},
		"as often as any failure":  {"jira-burst-based", 5, breaker.Open},
		"the whole app's quota":    {"jira-quota-tenant-based", 1, breaker.Open},
		"a limit that has no name": {"", 1, breaker.Open},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, false)
			s.Answers(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("RateLimit-Reason", c.reason)
				w.Header().Set("Retry-After", "45")
				sitetest.Answering(429, "")(w, r)
			})
			for range c.calls {
				ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
				defer cancel()
				s.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/v1/jira/projects", nil).WithContext(ctx))
			}
			stats, err := s.Circuit.Stats(t.Context())
			if err != nil || stats.State != c.state || stats.State == breaker.Closed && stats.FailureCount != c.calls {
				t.Errorf("%+v, %v", stats, err)
			}
		})
	}
}

// The call that opens the circuit does not invite another before it may be made.
func TestTheCallThatOpensTheCircuitSaysUntilWhen(t *testing.T) {
	s := newSite(t, false)
	s.Answers(sitetest.Answering(500, ``))
	for n, want := range []int{5, 5, 5, 5, 30} {
		if p := sitetest.ReadProblem(t, s.do("GET", "/projects", "")); p.Type != "upstream-unavailable" || p.RetryAfterSeconds != want {
			t.Errorf("failure %d: %+v, want %d s", n+1, p, want)
		}
	}
}

func TestAnOverrideIsNotBlamedOnJira(t *testing.T) {
	s := newSite(t, false)
	err := s.Circuit.SetOverride(t.Context(), breaker.Override{Mode: breaker.OverrideOpen, By: "carol", Why: "upgrade", Until: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	p := sitetest.ReadProblem(t, s.do("GET", "/projects", ""))
	if p.Type != "circuit-open" || p.Reason != "override" || strings.Contains(p.Detail, "failing") || len(s.Requests()) != 0 {
		t.Errorf("%+v", p)
	}
}

// Jira names the fields of an issue otherwise than a create does.
func TestFieldsAreNamedAsTheCallerNamedThem(t *testing.T) {
	for rule, c := range map[string]struct {
		body string
		want map[string]string
	}{
		"a project and a type": {
			`{"project_key":"OPS","issue_type":"Task","summary":"s"}`,
			map[string]string{"project_key": "p", "issue_type": "i", "summary": "s", "description": "d", "labels": "l", "customfield_1": "c"},
		},
		"a document": {
			`{"project_key":"OPS","issue_type":"Task","summary":"s","description_adf":{}}`,
			map[string]string{"project_key": "p", "issue_type": "i", "summary": "s", "description_adf": "d", "labels": "l", "customfield_1": "c"},
		},
	} {
		for _, key := range []string{"", "k"} {
			t.Run(rule+" "+key, func(t *testing.T) {
				s := newSite(t, false)
				s.handler = Handler(New(s.Client, s.Guard, s.Links).WithKeys(idempotency.New(idempotency.Config{Store: memstore.New()})))
				s.Answers(sitetest.Answering(400, `{"errorMessages":[],"errors":{"project":"p","issuetype":"i","summary":"s","description":"d","labels":"l","customfield_1":"c"}}`))
				r := httptest.NewRequest("POST", "/api/v1/jira/issues", strings.NewReader(c.body))
				if key != "" {
					r.Header.Set("Idempotency-Key", key)
				}
				w := httptest.NewRecorder()
				s.handler.ServeHTTP(w, r)
				if p := sitetest.ReadProblem(t, w); w.Code != 400 || !maps.Equal(p.Errors, c.want) {
					t.Errorf("%d %+v", w.Code, p)
				}
			})
		}
	}
}

func TestTheProblemOfARejectedQueryNamesItsField(t *testing.T) {
	rejected := `{"errorMessages":["Error in the JQL Query"],"errors":{}}`
	for rule, c := range map[string]struct {
		status      int
		body, token string
		field       string
	}{
		"in its own words":                     {400, rejected, "", "jql"},
		"not by something in between":          {400, `<html>`, "", ""},
		"nor where the token may be too old":   {400, rejected, "t", ""},
		"nor where it is not about the query":  {403, rejected, "", ""},
		"nor where Jira names the field":       {400, `{"errorMessages":[],"errors":{"maxResults":"too many"}}`, "", ""},
		"nor where it does not say what it is": {400, `{}`, "", ""},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, false)
			s.Answers(sitetest.Answering(c.status, c.body))
			body := map[string]any{"jql": "invalid"}
			if c.token != "" {
				body["page_token"] = gateway.EncodeToken(Search{JQL: "invalid", Fields: defaultFields, Limit: defaultLimit}, c.token)
			}
			encoded, _ := json.Marshal(body)
			w := s.do("POST", "/search", string(encoded))
			if p := sitetest.ReadProblem(t, w); w.Code != c.status || p.Field != c.field || p.Type != "upstream-refused" {
				t.Errorf("%d %+v", w.Code, p)
			}
		})
	}
}

// Which of several mistakes is told is not left to chance.
func TestTheFirstOfTwoInvalidFieldsIsNamed(t *testing.T) {
	const twoFields = `{"project_key":"OPS","issue_type":"Task","summary":"s","fields":{"summary":"s","a b":1,"labels":[]}}`
	for range 20 {
		s := newSite(t, false)
		p := sitetest.ReadProblem(t, s.do("GET", "/issues/OPS-1?expand=a%26b&fields=a%26b", ""))
		if p.Field != "fields" {
			t.Fatalf("%+v", p)
		}
		if p := sitetest.ReadProblem(t, s.do("POST", "/issues", twoFields)); p.Detail != "want names of fields such as priority or customfield_10010" {
			t.Fatalf("%+v", p)
		}
	}
}

func TestTooManyNamesAreNoBadOnes(t *testing.T) {
	many := strings.Repeat("a,", maxFields) + "a"
	for rule, c := range map[string]struct{ method, path, body, detail string }{
		"a bad name of a search":  {"POST", "/search", `{"jql":"x = 1","fields":["a b"]}`, "want names of fields such as summary or *navigable"},
		"too many of a search":    {"POST", "/search", `{"jql":"x = 1","fields":["` + strings.ReplaceAll(many, ",", `","`) + `"]}`, "want at most 50 names"},
		"a bad name of an issue":  {"GET", "/issues/A-1?fields=a%26b", "", "want names of fields such as summary or *navigable, comma-separated"},
		"too many of an issue":    {"GET", "/issues/A-1?fields=" + many, "", "want at most 50 names"},
		"a bad name to expand":    {"GET", "/issues/A-1?expand=a%26b", "", "want names such as changelog, comma-separated"},
		"too many of what to add": {"GET", "/issues/A-1?expand=" + many, "", "want at most 50 names"},
	} {
		s := newSite(t, false)
		if p := sitetest.ReadProblem(t, s.do(c.method, c.path, c.body)); p.Status != 400 || p.Detail != c.detail {
			t.Errorf("%s: %+v", rule, p)
		}
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

// deaf is a network on which a request is performed long after it was given up.
type deaf struct{}

func (deaf) RoundTrip(*http.Request) (*http.Response, error) {
	time.Sleep(time.Minute)
	return nil, errors.New("too late")
}

func TestACreateThatIsGivenUpLeavesTheOutcomeUnknown(t *testing.T) {
	g := newGuard(t)
	synctest.Test(t, func(t *testing.T) {
		r := httptest.NewRequest("POST", "/api/v1/jira/issues", strings.NewReader(newIssueBody))
		w := httptest.NewRecorder()
		handlerBehind(g, deaf{}, memstore.New()).ServeHTTP(w, r)
		time.Sleep(time.Minute) // until the request has ended
		p := sitetest.ReadProblem(t, w)
		if w.Code != 502 || p.Type != "outcome-unknown" || *p.Retryable || p.Attempts != 1 || w.Header().Get("Retry-After") != "" {
			t.Errorf("%d %+v", w.Code, p)
		}
	})
}
