package contract

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const (
	searchBody = `{"jql":"project = OPS","fields":["summary"],"maxResults":50}`
	createBody = `{"fields":{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"A","description":{"type":"doc","version":1,"content":[]}}}`
	found      = `{"title":"A","excerpt":"","url":"/a","breadcrumbs":[],"entityType":"content","iconCssClass":"","lastModified":"2026-11-24T09:20:00.000Z"`
	foundPage  = `"start":0,"limit":25,"size":1,"totalSize":1,"cqlQuery":"a","searchDuration":1,"_links":{}}`
)

// exchange is a request and its answer, with one thing wrong in them or none.
type exchange struct {
	rule   string
	method string // empty: GET
	path   string
	header http.Header
	body   string
	status int // 0: 200
	kind   string
	answer string
	wrong  string // in the report; empty: nothing is
}

func jiraExchanges() []exchange {
	search := func(e exchange) exchange {
		e.method, e.path = "POST", "/rest/api/3/search/jql"
		if e.body == "" {
			e.body = searchBody
		}
		if e.answer == "" {
			e.answer = `{"issues":[]}`
		}
		return e
	}
	create := func(e exchange) exchange {
		e.method, e.path, e.status = "POST", "/rest/api/3/issue", 201
		if e.body == "" {
			e.body = createBody
		}
		if e.answer == "" {
			e.answer = `{"id":"1","key":"OPS-1","self":"https://site.example.com/rest/api/3/issue/1"}`
		}
		return e
	}
	return []exchange{
		search(exchange{rule: "a search"}),
		search(exchange{rule: "an offset, which the search has no more", body: `{"jql":"a","startAt":50}`, wrong: "startAt"}),
		search(exchange{rule: "a limit that is text", body: `{"jql":"a","maxResults":"50"}`, wrong: "maxResults"}),
		search(exchange{rule: "expansions in a list", body: `{"jql":"a","expand":["names"]}`, wrong: "expand"}),
		search(exchange{rule: "half a body", body: `{"jql":`, wrong: "decode request body"}),
		search(exchange{rule: "a body that is no JSON", header: http.Header{"Content-Type": {"text/plain"}}, wrong: "Content-Type"}),
		search(exchange{rule: "an answer without issues", answer: `{"isLast":true}`, wrong: "issues"}),
		search(exchange{rule: "an answer with a total", answer: `{"issues":[],"total":0}`, wrong: "total"}),
		search(exchange{rule: "an issue without an id", answer: `{"issues":[{"key":"OPS-1"}]}`, wrong: "/issues/0"}),
		search(exchange{rule: "an id that is a number", answer: `{"issues":[{"id":1}]}`, wrong: "/issues/0/id"}),
		search(exchange{rule: "a description that is text", answer: `{"issues":[{"id":"1","fields":{"description":"A"}}]}`, wrong: "description"}),
		search(exchange{rule: "no description", answer: `{"issues":[{"id":"1","fields":{"description":null}}]}`}),
		search(exchange{rule: "half an answer", answer: `{"issues":[`, wrong: "decode response body"}),
		search(exchange{rule: "a page of HTML with a 200", kind: "text/html", answer: `<html>`, wrong: "Content-Type"}),
		search(exchange{rule: "a status that no call has", status: 418, wrong: "418"}),
		search(exchange{rule: "an error", status: 400, answer: `{"errorMessages":["A"],"errors":{}}`}),
		search(exchange{rule: "an error of another shape", status: 400, answer: `{"error":"A"}`, wrong: "no shape"}),
		search(exchange{rule: "an error of the edge", status: 503, answer: `{"code":503,"message":"A"}`}),
		search(exchange{rule: "an error in HTML", status: 503, kind: "text/html", answer: `<html>`}),
		search(exchange{rule: "an error that breaks off", status: 503, answer: `{"code"`, wrong: "503"}),
		create(exchange{rule: "a create"}),
		create(exchange{rule: "a description in plain text", body: `{"fields":{"description":"A"}}`, wrong: "/fields/description"}),
		create(exchange{rule: "a document of no version", body: `{"fields":{"description":{"type":"doc","content":[]}}}`, wrong: `"version" is missing`}),
		create(exchange{rule: "a node of no type", body: `{"fields":{"description":{"type":"doc","version":1,"content":[{}]}}}`, wrong: `"type" is missing`}),
		create(exchange{rule: "an unknown name next to fields", body: `{"fields":{},"notify":true}`, wrong: "notify"}),
		create(exchange{rule: "an idempotency key", header: http.Header{"Idempotency-Key": {"k"}}, wrong: "Idempotency-Key"}),
		create(exchange{rule: "an issue without a key", answer: `{"id":"1","self":"x"}`, wrong: `"key" is missing`}),
		{rule: "another method", method: "PUT", path: "/rest/api/3/issue", wrong: "method"},
		{rule: "a removed call", path: "/rest/api/3/search?jql=a", wrong: "no matching"},
		{rule: "a parameter that is not described", path: "/rest/api/3/issue/OPS-1?field=summary", answer: `{"id":"1"}`, wrong: `"field"`},
		{rule: "a parameter that is repeated", path: "/rest/api/3/issue/OPS-1?expand=a&expand=b", answer: `{"id":"1"}`, wrong: "repeated"},
		{rule: "a list that is repeated", path: "/rest/api/3/issue/OPS-1?fields=a&fields=b", answer: `{"id":"1"}`},
		{rule: "a parameter that is no number", path: "/rest/api/3/issuetype/project?projectId=OPS", answer: `[]`, wrong: "projectId"},
		{rule: "a body where none is described", path: "/rest/api/3/issuetype", body: "{}", answer: `[]`, wrong: "not allowed"},
		{rule: "no credentials", path: "/rest/api/3/myself", header: http.Header{"Authorization": nil}, answer: `{"accountId":"1","active":true}`, wrong: "credentials"},
		{rule: "no credentials where none are needed", path: "/rest/api/3/serverInfo", header: http.Header{"Authorization": nil},
			answer: `{"baseUrl":"b","version":"1","deploymentType":"Cloud","serverTitle":"t"}`},
		{rule: "a bearer at the gateway", path: "/ex/jira/5f0c3a4e/rest/api/3/issuetype", header: http.Header{"Authorization": {"Bearer t"}}, answer: `[]`},
		{rule: "another product's gateway", path: "/ex/confluence/5f0c3a4e/rest/api/3/issuetype", answer: `[]`, wrong: "no matching"},
		{rule: "a type of project that the description lacks", path: "/rest/api/3/project/search",
			answer: `{"values":[{"id":"1","key":"A","name":"A","projectTypeKey":"product_discovery"}],"isLast":true,"startAt":0,"maxResults":50,"total":1}`},
	}
}

func confluenceExchanges() []exchange {
	page := `{"id":"1","status":"current","title":"A","spaceId":"2","version":{"number":1},"_links":{"webui":"/a"}`
	return []exchange{
		{rule: "spaces", path: "/wiki/api/v2/spaces?limit=25&keys=OPS", answer: `{"results":[],"_links":{}}`},
		{rule: "two keys at once", path: "/wiki/api/v2/spaces?keys=OPS&keys=WEB", answer: `{"results":[],"_links":{}}`},
		{rule: "an offset", path: "/wiki/api/v2/spaces?start=25", answer: `{"results":[],"_links":{}}`, wrong: `"start"`},
		{rule: "a limit of 251", path: "/wiki/api/v2/spaces?limit=251", answer: `{"results":[],"_links":{}}`, wrong: "limit"},
		{rule: "a space's key for its number", path: "/wiki/api/v2/spaces/OPS/pages", answer: `{"results":[],"_links":{}}`, wrong: `"id" in path`},
		{rule: "a path without /wiki", path: "/api/v2/spaces", wrong: "no matching"},
		{rule: "a path with /wiki twice", path: "/wiki/wiki/api/v2/spaces", wrong: "no matching"},
		{rule: "a removed call", path: "/wiki/rest/api/content/1", wrong: "no matching"},
		{rule: "the gateway", path: "/ex/confluence/5f0c3a4e/wiki/api/v2/pages/1", answer: page + `}`},
		{rule: "a body of a page", path: "/wiki/api/v2/pages/1?body-format=storage", answer: page + `,"body":{"storage":{"representation":"storage","value":""}}}`},
		{rule: "a format that there is not", path: "/wiki/api/v2/pages/1?body-format=markdown", answer: page + `}`, wrong: "body-format"},
		{rule: "a page's format for a list", path: "/wiki/api/v2/spaces/1/pages?body-format=view", answer: `{"results":[],"_links":{}}`, wrong: "body-format"},
		{rule: "a page without its version", path: "/wiki/api/v2/pages/1", answer: `{"id":"1","status":"current","title":"A","spaceId":"2","_links":{}}`, wrong: "version"},
		{rule: "a search", path: "/wiki/rest/api/search?cql=type%3Dpage", answer: `{"results":[` + found + `}],` + foundPage},
		{rule: "a search without a query", path: "/wiki/rest/api/search", answer: `{"results":[],` + foundPage, wrong: "cql"},
		{rule: "a search that is a list of version 2", path: "/wiki/rest/api/search?cql=a", answer: `{"results":[],"_links":{}}`, wrong: "totalSize"},
		{rule: "a space's number as text in version 1", path: "/wiki/rest/api/search?cql=a", wrong: "/results/0/space/id",
			answer: `{"results":[` + found + `,"space":{"id":"1","key":"A","name":"A","type":"global","status":"current","_expandable":{},"_links":{}}}],` + foundPage},
		{rule: "a refusal of version 2", path: "/wiki/api/v2/pages/1", status: 404, answer: `{"errors":[{"status":404,"code":"NOT_FOUND","title":"A","detail":null}]}`},
		{rule: "a refusal of version 1", path: "/wiki/rest/api/search?cql=a", status: 400, answer: `{"statusCode":400,"message":"A"}`},
		{rule: "a refusal of Jira's", path: "/wiki/api/v2/pages/1", status: 404, answer: `{"errorMessages":["A"]}`, wrong: "no shape"},
	}
}

func TestWhatDiffersIsReported(t *testing.T) {
	for product, c := range map[string]struct {
		load      func() (*Description, error)
		exchanges []exchange
	}{
		"jira":       {Jira, jiraExchanges()},
		"confluence": {Confluence, confluenceExchanges()},
	} {
		description, err := c.load()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.exchanges {
			t.Run(product+"/"+e.rule, func(t *testing.T) { e.check(t, description) })
		}
	}
}

func (e exchange) check(t *testing.T, d *Description) {
	var said []string
	handler := d.Wrap(http.HandlerFunc(e.serve), func(err error) { said = append(said, err.Error()) })
	r := httptest.NewRequest(cmp.Or(e.method, http.MethodGet), e.path, strings.NewReader(e.body))
	r.Header.Set("Authorization", "Basic eA==")
	if e.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range e.header {
		if r.Header[name] = values; values == nil {
			delete(r.Header, name)
		}
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Body.String() != e.answer {
		t.Errorf("the answer became %q", w.Body)
	}
	switch {
	case e.wrong == "" && len(said) > 0:
		t.Errorf("reported: %q", said)
	case e.wrong != "" && (len(said) != 1 || !strings.Contains(said[0], e.wrong)):
		t.Errorf("reported %q, want one report of %q", said, e.wrong)
	}
}

// serve answers after it has read the request.
func (e exchange) serve(w http.ResponseWriter, r *http.Request) {
	if body, err := io.ReadAll(r.Body); err != nil || string(body) != e.body {
		http.Error(w, "the body was not passed on", http.StatusTeapot)
		return
	}
	w.Header().Set("Content-Type", cmp.Or(e.kind, "application/json;charset=UTF-8"))
	w.WriteHeader(cmp.Or(e.status, http.StatusOK))
	_, _ = io.WriteString(w, e.answer)
}

func TestAnAnswerThatBreaksOffIsNotLookedAt(t *testing.T) {
	description, err := Jira()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var said []error
	server := httptest.NewServer(description.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		connection.Close()
		panic(http.ErrAbortHandler)
	}), func(err error) { mu.Lock(); defer mu.Unlock(); said = append(said, err) }))
	defer server.Close()
	if answer, err := http.Get(server.URL + "/rest/api/3/serverInfo"); !errors.Is(err, io.EOF) {
		t.Errorf("%v, %v", answer, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(said) > 0 {
		t.Error(said)
	}
}
