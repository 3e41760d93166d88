package jira

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/atlassian/sitetest"
)

func TestSearch(t *testing.T) {
	s := newSite(t, false)
	s.Answers(sitetest.Answering(200, `{"issues":[{"id":"1","key":"OPS-1","self":"x","fields":{"summary":"A"}}],"nextPageToken":"n1","isLast":false}`))
	w := s.do("POST", "/search", `{"jql":"project = OPS","limit":1}`)
	var page struct {
		Items []map[string]any
		Next  string `json:"next_page_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	want := map[string]any{"id": "1", "key": "OPS-1", "url": "https://site.example.com/browse/OPS-1", "fields": map[string]any{"summary": "A"}}
	if len(page.Items) != 1 || !reflect.DeepEqual(page.Items[0], want) {
		t.Errorf("got %v", page.Items)
	}
	sent := s.Requests()[0]
	if sent.Line != "POST /rest/api/3/search/jql" || bodyOf(sent)["maxResults"] != 1.0 || len(bodyOf(sent)["fields"].([]any)) != len(defaultFields) {
		t.Errorf("sent %+v", sent)
	}
	if _, has := bodyOf(sent)["nextPageToken"]; has {
		t.Error("the first page has no token")
	}

	s.Answers(sitetest.Answering(200, `{"issues":[]}`))
	w = s.do("POST", "/search", fmt.Sprintf(`{"jql":"project = OPS","limit":1,"page_token":%q}`, page.Next))
	if w.Code != 200 || bodyOf(s.Requests()[1])["nextPageToken"] != "n1" || w.Body.String() != "{\"items\":[]}\n" {
		t.Errorf("%d %s, sent %+v", w.Code, w.Body, s.Requests()[1])
	}
	for rule, body := range map[string]string{
		"another query's token is invalid": `{"jql":"project = WEB","limit":1,"page_token":%q}`,
		"another limit's token is invalid": `{"jql":"project = OPS","limit":2,"page_token":%q}`,
	} {
		if w := s.do("POST", "/search", fmt.Sprintf(body, page.Next)); w.Code != 400 || sitetest.ReadProblem(t, w).Field != "page_token" {
			t.Errorf("%s: %d %s", rule, w.Code, w.Body)
		}
	}
}

func TestTheLastPageHasNoToken(t *testing.T) {
	for rule, answer := range map[string]string{
		"isLast with a token":   `{"issues":[],"isLast":true,"nextPageToken":"n"}`,
		"no token":              `{"issues":[],"isLast":false}`,
		"neither":               `{"issues":[]}`,
		"no issues at all":      `{}`,
		"an empty middle token": `{"issues":[],"nextPageToken":""}`,
	} {
		s := newSite(t, false)
		s.Answers(sitetest.Answering(200, answer))
		if w := s.do("POST", "/search", `{"jql":"project = OPS"}`); w.Code != 200 || w.Body.String() != "{\"items\":[]}\n" {
			t.Errorf("%s: %d %s", rule, w.Code, w.Body)
		}
	}
}

func TestIssue(t *testing.T) {
	s := newSite(t, false)
	s.Answers(sitetest.Answering(200, `{"id":"7","key":"OPS-7","fields":{"summary":"A","description":null}}`))
	w := s.do("GET", "/issues/OPS-7?fields=summary,description&expand=names", "")
	if want := `{"id":"7","key":"OPS-7","url":"https://site.example.com/browse/OPS-7","fields":{"summary":"A","description":null}}` + "\n"; w.Body.String() != want {
		t.Errorf("got %s", w.Body)
	}
	if got := s.Requests()[0].Line; got != "GET /rest/api/3/issue/OPS-7?expand=names&fields=summary%2Cdescription" {
		t.Errorf("sent %s", got)
	}
	for _, key := range []string{"7", "ops-7", "A_B1-12"} {
		if w := s.do("GET", "/issues/"+key, ""); w.Code != 200 {
			t.Errorf("%s: %d", key, w.Code)
		}
	}
}

func TestCreate(t *testing.T) {
	s := newSite(t, false)
	s.Answers(sitetest.Answering(201, `{"id":"9","key":"OPS-9","self":"x"}`))
	w := s.do("POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"S","description":"a\nb\n\nc","labels":["x"],"fields":{"priority":{"name":"High"}}}`)
	if w.Code != 201 || w.Body.String() != `{"id":"9","key":"OPS-9","url":"https://site.example.com/browse/OPS-9"}`+"\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	const document = `{"type":"doc","version":1,"content":[
		{"type":"paragraph","content":[{"type":"text","text":"a"},{"type":"hardBreak"},{"type":"text","text":"b"}]},
		{"type":"paragraph","content":[{"type":"text","text":"c"}]}]}`
	var want any
	if err := json.Unmarshal([]byte(`{"project":{"key":"OPS"},"issuetype":{"name":"Task"},"summary":"S","labels":["x"],"priority":{"name":"High"},"description":`+document+`}`), &want); err != nil {
		t.Fatal(err)
	}
	if got := bodyOf(s.Requests()[0]); len(got) != 1 || !reflect.DeepEqual(got["fields"], want) {
		t.Errorf("sent %s", s.Requests()[0].Body)
	}
}

func TestADocumentIsPassedThrough(t *testing.T) {
	s := newSite(t, false)
	s.Answers(sitetest.Answering(201, `{}`))
	s.do("POST", "/issues", `{"project_key":"OPS","issue_type":"Task","summary":"S","description_adf":{"type":"doc","version":1,"content":[]}}`)
	fields := bodyOf(s.Requests()[0])["fields"].(map[string]any)
	if got := fields["description"].(map[string]any)["type"]; got != "doc" {
		t.Errorf("sent %v", fields)
	}
}

func TestProjectsArePagedByAToken(t *testing.T) {
	s := newSite(t, false)
	s.Answers(sitetest.Answering(200, `{"values":[{"id":"1","key":"OPS","name":"Ops","projectTypeKey":"product_discovery"}],"isLast":false}`))
	w := s.do("GET", "/projects?query=o&limit=1", "")
	var page struct {
		Items []Project
		Next  string `json:"next_page_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || len(page.Items) != 1 || page.Next == "" ||
		page.Items[0] != (Project{"1", "OPS", "Ops", "product_discovery", "https://site.example.com/browse/OPS"}) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	s.Answers(sitetest.Answering(200, `{"values":[],"isLast":false}`))
	if w := s.do("GET", "/projects?query=o&limit=1&page_token="+page.Next, ""); w.Body.String() != "{\"items\":[]}\n" {
		t.Errorf("an empty page is the last: %s", w.Body)
	}
	if got := s.Requests()[1].Line; got != "GET /rest/api/3/project/search?maxResults=1&query=o&startAt=1" {
		t.Errorf("sent %s", got)
	}
}

func TestIssueTypes(t *testing.T) {
	s := newSite(t, false)
	s.Answers(sitetest.Answering(200, `[{"id":"1","name":"Task","description":"d","subtask":false,"iconUrl":"x"}]`))
	for path, line := range map[string]string{
		"/issue-types":                  "GET /rest/api/3/issuetype",
		"/issue-types?project_id=10001": "GET /rest/api/3/issuetype/project?projectId=10001",
	} {
		w := s.do("GET", path, "")
		if w.Body.String() != `{"items":[{"id":"1","name":"Task","description":"d","subtask":false}]}`+"\n" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if sent := s.Requests(); sent[len(sent)-1].Line != line {
			t.Errorf("sent %s", sent[len(sent)-1].Line)
		}
	}
}

func TestNoMatchingProjectIsAnEmptyList(t *testing.T) {
	for rule, c := range map[string]struct {
		body string
		want int
	}{
		"a 404 of Jira's is no match":            {`{"errorMessages":["No projects found"]}`, 200},
		"a 404 of something in between is a 404": {`<html>no such site`, 404},
	} {
		s := newSite(t, false)
		s.Answers(sitetest.Answering(404, c.body))
		if w := s.do("GET", "/projects?query=x", ""); w.Code != c.want || c.want == 200 && w.Body.String() != "{\"items\":[]}\n" {
			t.Errorf("%s: %d %s", rule, w.Code, w.Body)
		}
	}
}

// serverInfo is answered to everyone: only myself proves credentials.
func TestServerInfoTellsWhetherCredentialsAreAccepted(t *testing.T) {
	for rule, c := range map[string]struct {
		myself   int
		login    string
		status   int
		accepted bool
	}{
		"accepted":                  {200, "", 200, true},
		"rejected with 401":         {401, "", 200, false},
		"rejected with 403":         {403, "", 200, false},
		"served as anonymous":       {200, "AUTHENTICATED_FAILED", 200, false},
		"a failure is one, retried": {503, "", 503, false},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSite(t, false)
			s.Answers(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/rest/api/3/serverInfo" {
					if r.Header.Get("Authorization") != "" {
						t.Error("serverInfo needs no credentials")
					}
					sitetest.Answering(200, `{"baseUrl":"https://s","version":"1001","deploymentType":"Cloud","serverTitle":"Jira"}`)(w, r)
					return
				}
				w.Header().Set("X-Seraph-LoginReason", c.login)
				sitetest.Answering(c.myself, `{"errorMessages":["no"]}`)(w, r)
			})
			w := s.do("GET", "/server-info", "")
			want := fmt.Sprintf(`{"base_url":"https://s","version":"1001","deployment_type":"Cloud","server_title":"Jira","credentials_accepted":%v}`+"\n", c.accepted)
			if w.Code != c.status || c.status == 200 && w.Body.String() != want {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}

// What Jira says of other addresses is never followed.
func TestLinksInAnswersLeadNowhere(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request left for another host: %s", r.URL)
	}))
	t.Cleanup(elsewhere.Close)
	for path, body := range map[string]string{
		"/projects?query=o&limit=1": `{"self":"%[1]s","nextPage":"%[1]s/rest/api/3/project/search?startAt=1","values":[{"id":"1","key":"OPS","self":"%[1]s"}],"isLast":false}`,
		"/issues/OPS-1":             `{"id":"1","key":"OPS-1","self":"%[1]s/rest/api/3/issue/1"}`,
	} {
		s := newSite(t, false)
		s.Answers(sitetest.Answering(200, fmt.Sprintf(body, elsewhere.URL)))
		if w := s.do("GET", path, ""); w.Code != 200 || strings.Contains(w.Body.String(), elsewhere.URL) || len(s.Requests()) != 1 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
