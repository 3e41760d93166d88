package confluence

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coldfuse/coldfuse/internal/atlassian/sitetest"
	"github.com/coldfuse/coldfuse/internal/gateway"
)

func TestBadInputNeverReachesConfluence(t *testing.T) {
	for rule, c := range map[string]struct {
		path, field string
	}{
		"an unknown parameter":               {"/spaces?x=1", "x"},
		"a malformed query":                  {"/spaces?keys=%zz", ""},
		"no key between commas":              {"/spaces?keys=A,,B", "keys"},
		"an empty list of keys":              {"/spaces?keys=", "keys"},
		"a key of signs":                     {"/spaces?keys=A%26limit%3D9", "keys"},
		"251 keys":                           {"/spaces?keys=A" + strings.Repeat(",A", 250), "keys"},
		"a key of 256 bytes":                 {"/spaces?keys=" + strings.Repeat("A", 256), "keys"},
		"a key that is no UTF-8":             {"/spaces?keys=~%ff", "keys"},
		"a limit of 0":                       {"/spaces?limit=0", "limit"},
		"a limit of 101":                     {"/spaces?limit=101", "limit"},
		"a limit that is no number":          {"/spaces/1/pages?limit=x", "limit"},
		"a broken token":                     {"/spaces?page_token=%25", "page_token"},
		"a foreign token":                    {"/search?cql=a&page_token=e30", "page_token"},
		"a space that would leave its path":  {"/spaces/..%2Fx/pages", "space"},
		"a space that would add a query":     {"/spaces/A%3Fx/pages", "space"},
		"a space that is two":                {"/spaces/A,B/pages", "space"},
		"a personal space of nobody":         {"/spaces/~/pages", "space"},
		"a page that is no number":           {"/pages/A", "id"},
		"a page that would leave its path":   {"/pages/1%2F..%2F2", "id"},
		"a page beyond all numbers":          {"/pages/" + strings.Repeat("1", 19), "id"},
		"a negative page":                    {"/pages/-1", "id"},
		"digits that are not ASCII":          {"/pages/%D9%A1", "id"},
		"an unknown format":                  {"/pages/1?format=pdf", "format"},
		"an empty format":                    {"/pages/1?format=", "format"},
		"no cql":                             {"/search", "cql"},
		"blank cql":                          {"/search?cql=+%0A", "cql"},
		"cql that is too long":               {"/search?cql=" + strings.Repeat("x", maxCQL+1), "cql"},
		"cql that is no UTF-8":               {"/search?cql=%ff", "cql"},
		"a parameter of another operation":   {"/spaces/1/pages?cql=x", "cql"},
		"an expansion, which nobody offered": {"/search?cql=x&expand=body", "expand"},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t)
			w := s.get(c.path)
			if p := sitetest.ReadProblem(t, w); w.Code != 400 || p.Field != c.field {
				t.Errorf("%d %+v", w.Code, p)
			}
			if len(s.lines()) != 0 || len(s.Calls()) != 0 {
				t.Errorf("%q reached Confluence, %d calls were counted", s.lines(), len(s.Calls()))
			}
		})
	}
}

func TestATokenIsOfOneQueryOnly(t *testing.T) {
	s := newSite(t)
	s.Answers(sitetest.Answering(200, `{"results":[{}],"_links":{"next":"/wiki/x?cursor=c1"}}`))
	token := readItems(t, s.get("/spaces?keys=A&limit=2")).Next
	for rule, path := range map[string]string{
		"another limit": "/spaces?keys=A&limit=3", "other keys": "/spaces?keys=A,B&limit=2", "no keys": "/spaces?limit=2",
		"another list": "/spaces/1/pages?limit=2", "a search": "/search?cql=A&limit=2",
	} {
		if w := s.get(path + "&page_token=" + token); w.Code != 400 || sitetest.ReadProblem(t, w).Field != "page_token" {
			t.Errorf("%s: %d %s", rule, w.Code, w.Body)
		}
	}
	if w := s.get("/spaces?limit=2&keys=A&page_token=" + token); w.Code != 200 {
		t.Errorf("the query itself: %d %s", w.Code, w.Body)
	}
	if sent := s.lines(); len(sent) != 2 || sent[1] != "GET /wiki/api/v2/spaces?cursor=c1&keys=A&limit=2" {
		t.Errorf("sent %q", sent)
	}
}

// Each path is an operation of its own.
var everyOperation = []string{"/spaces", "/spaces?keys=A", "/spaces/OPS/pages", "/spaces/1/pages", "/pages/1", "/pages/1?format=markdown", "/search?cql=a"}

func TestWrongCredentialsAreNeverAnEmptyList(t *testing.T) {
	forbidden := `{"message":"Current user not permitted to use Confluence","statusCode":403}`
	for rule, answer := range map[string]http.HandlerFunc{
		"a 401":                               sitetest.Answering(401, `{"code":401,"message":"Unauthorized; scope does not match"}`),
		"a 403 of Confluence":                 sitetest.Answering(403, forbidden),
		"a 403 of something before it":        sitetest.Answering(403, `<html>`),
		"served as an anonymous caller":       failedLogin(200, `{"results":[],"_links":{}}`),
		"nothing found as an anonymous":       failedLogin(404, `{"errors":[{"status":404,"code":"NOT_FOUND","title":"Not Found"}]}`),
		"nothing to see for anonymous, a 403": failedLogin(403, forbidden),
	} {
		t.Run(rule, func(t *testing.T) {
			for _, path := range everyOperation {
				s := newSite(t)
				s.Answers(answer)
				w := s.get(path)
				if p := sitetest.ReadProblem(t, w); w.Code != 502 || p.Type != "upstream-authentication" || *p.Retryable || p.Attempts != 1 {
					t.Errorf("%s: %d %+v", path, w.Code, p)
				}
				if s.Calls()[0].Outcome != "success" {
					t.Errorf("%s counts against the circuit: %+v", path, s.Calls()[0])
				}
			}
		})
	}
}

func failedLogin(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
		sitetest.Answering(status, body)(w, r)
	}
}

func TestConfluencesAnswersAsTheClientsProblem(t *testing.T) {
	for rule, c := range map[string]struct {
		status, want int
		body         string
		typ          string
		attempts     int
		retryable    bool
	}{
		"a 400":                               {400, 400, `{"statusCode":400,"message":"Could not parse cql : x"}`, "upstream-refused", 1, false},
		"a 404":                               {404, 404, `{"errors":[{"status":404,"code":"NOT_FOUND","title":"Not Found","detail":null}]}`, "upstream-refused", 1, false},
		"a 410 is our mistake":                {410, 502, `{}`, "upstream-refused", 1, false},
		"a 429 that could not be waited out":  {429, 503, ``, "upstream-unavailable", 4, true},
		"a 500 is tried four times":           {500, 503, `{}`, "upstream-unavailable", 4, true},
		"a 503 is tried four times":           {503, 503, `<html>`, "upstream-unavailable", 4, true},
		"a redirect is not followed":          {302, 502, ``, "upstream-answer", 1, false},
		"what is no JSON is no answer":        {200, 502, `<html>`, "upstream-answer", 1, false},
		"what is another JSON is no answer":   {200, 502, `[]`, "upstream-answer", 1, false},
		"a list of other things is no answer": {200, 502, `{"results":{},"body":[]}`, "upstream-answer", 1, false},
	} {
		t.Run(rule, func(t *testing.T) {
			for _, path := range everyOperation {
				s := newSite(t)
				s.Answers(sitetest.Answering(c.status, c.body))
				w := s.get(path)
				p := sitetest.ReadProblem(t, w)
				if w.Code != c.want || p.Type != c.typ || p.Attempts != c.attempts || p.UpstreamStatus != c.status ||
					p.UpstreamRequestID != "trace-1" && c.status != 200 || p.Circuit != Circuit || *p.Retryable != c.retryable {
					t.Errorf("%s: %d %+v", path, w.Code, p)
				}
				if len(s.lines()) != c.attempts {
					t.Errorf("%s: %q reached Confluence", path, s.lines())
				}
			}
		})
	}
}

// A query that cannot be read is named, and in words for people.
func TestTheProblemOfARejectedQueryNamesItsField(t *testing.T) {
	const rejected = `{"statusCode":400,"data":{},"message":"com.atlassian.confluence.api.service.exceptions.api.BadRequestException: Could not parse cql : foo = 1"}`
	for rule, c := range map[string]struct {
		path, body string
		field      string
		detail     string
	}{
		"in its own words":                   {"/search?cql=foo+%3D+1", rejected, "cql", "Could not parse cql : foo = 1"},
		"not by something in between":        {"/search?cql=foo+%3D+1", `<html>`, "", ""},
		"nor where the token may be too old": {"/search?cql=foo&limit=1&page_token=" + gateway.EncodeToken([]string{"search", "foo", "1"}, "old"), rejected, "", "Could not parse cql : foo = 1"},
		"nor of another call":                {"/spaces", rejected, "", "Could not parse cql : foo = 1"},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t)
			s.Answers(sitetest.Answering(400, c.body))
			w := s.get(c.path)
			if p := sitetest.ReadProblem(t, w); w.Code != 400 || p.Type != "upstream-refused" || p.Field != c.field || p.Detail != c.detail {
				t.Errorf("%d %+v", w.Code, p)
			}
		})
	}
}

func TestOpenCircuitIsA503WithoutACall(t *testing.T) {
	s := newSite(t)
	s.Answers(sitetest.Answering(500, ``))
	for range 5 {
		s.get("/spaces")
	}
	before := len(s.lines())
	for _, path := range everyOperation {
		w := s.get(path)
		if p := sitetest.ReadProblem(t, w); w.Code != 503 || p.Type != "circuit-open" || p.Circuit != Circuit || p.Attempts != 0 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %+v", path, w.Code, p)
		}
	}
	if len(s.lines()) != before {
		t.Error("a rejected call reached Confluence")
	}
}

func TestCQLIsPassedOnAsItIs(t *testing.T) {
	for _, cql := range []string{`creator = currentUser()`, `title ~ "a\"b" and x`, `invalid (`, `a&limit=9#b`, `ünï%`, "a\tb\nc", "+", strings.Repeat("x", maxCQL)} {
		checkCQL(t, newSite(t), cql)
	}
}

func checkCQL(t *testing.T, s *site, cql string) {
	t.Helper()
	s.Answers(func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query()["cql"]; len(got) != 1 || got[0] != cql || r.URL.Path != searchPath || len(r.URL.Query()) != 2 {
			t.Errorf("%q came as %s", cql, r.RequestURI)
		}
		sitetest.Answering(200, `{"results":[]}`)(w, r)
	})
	if w := s.get("/search?cql=" + url.QueryEscape(cql)); w.Code != 200 && w.Code != 400 {
		t.Errorf("%q: %d %s", cql, w.Code, w.Body)
	}
}

func FuzzCQL(f *testing.F) {
	f.Add(`text ~ "a" order by x`)
	f.Add("a&cursor=b#c\x00")
	s := newSite(f)
	f.Fuzz(func(t *testing.T, cql string) { checkCQL(t, s, cql) })
}

// Whatever a client asks for, it is answered, without a fault of ours, and
// nothing but the four calls is made, of the one host that there is.
func FuzzRequest(f *testing.F) {
	f.Add("spaces", "keys=A,B&limit=2&page_token=x")
	f.Add("spaces/OPS/pages", "limit=1")
	f.Add("spaces/..%2f1/pages", "")
	f.Add("pages/1", "format=markdown")
	f.Add("search", "cql=a%26b&cql=c")
	s := newSite(f)
	var stray atomic.Value
	s.Answers(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.Path; path != spacesPath && path != searchPath && !isPathOf(path, spacesPath+"/", "/pages") && !isPathOf(path, pagesPath+"/", "") {
			stray.Store(r.RequestURI)
		}
		sitetest.Answering(200, `{"id":"1","results":[{"id":"1","key":"A"}],"body":{"storage":{"value":"a"},"view":{"value":"<a>"}},"_links":{"next":"//evil/?cursor=x"}}`)(w, r)
	})
	f.Fuzz(func(t *testing.T, path, query string) {
		u := url.URL{Scheme: "http", Host: "h", Path: "/api/v1/confluence/" + path, RawQuery: query}
		if _, err := url.ParseRequestURI(u.RequestURI()); err != nil || strings.ContainsAny(query, " \x7f") || strings.ContainsFunc(query, func(r rune) bool { return r < ' ' }) {
			return
		}
		w := s.get(strings.TrimPrefix(u.RequestURI(), "/api/v1/confluence"))
		if sent := stray.Load(); w.Code >= 500 || sent != nil {
			t.Errorf("%s: %d %s, sent %v", u.RequestURI(), w.Code, w.Body, sent)
		}
	})
}

func isPathOf(path, begin, end string) bool {
	id, begins := strings.CutPrefix(path, begin)
	id, ends := strings.CutSuffix(id, end)
	return begins && ends && isNumber(id)
}
