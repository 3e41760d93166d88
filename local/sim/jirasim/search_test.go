package jirasim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

type results struct {
	Issues []struct {
		ID, Key, Self string
		Fields        map[string]any
		Properties    map[string]any
	}
	IsLast        bool
	NextPageToken *string
	Names         map[string]string
}

func TestSearchRefusals(t *testing.T) {
	cases := []struct {
		rule, body, message string
	}{
		{"the page size is at least 1", `{"jql":"project = OPS","maxResults":0}`,
			"The max results parameter has to be between 1 and 5,000."},
		{"the page size is at most 5,000", `{"jql":"project = OPS","maxResults":5001}`,
			"The max results parameter has to be between 1 and 5,000."},
		{"the page size is judged before the query", `{"jql":"","maxResults":0}`,
			"The max results parameter has to be between 1 and 5,000."},
		{"an unknown property is refused", `{"jql":"project = OPS","startAt":0}`, invalidBody},
		{"a value of a wrong type is refused", `{"jql":["project = OPS"]}`, invalidBody},
		{"a body must be JSON", `{"jql":`, malformedBody},
		{"a query must be there", `{}`, string(unbounded)},
		{"a query must be bounded", `{"jql":"order by key desc"}`, string(unbounded)},
		{"at most 50 issues are reconciled", `{"jql":"project = OPS","reconcileIssues":[` + strings.Repeat("1,", 50) + `1]}`, invalidBody},
		{"a foreign token is refused", `{"jql":"project = OPS","nextPageToken":"abc"}`,
			"The provided next page token is invalid or expired."},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			w := send(newSimulator(), "POST", "/rest/api/3/search/jql", c.body)
			got := simtest.Read[errorCollection](t, w)
			if w.Code != 400 || len(got.Messages) != 1 || got.Messages[0] != c.message || got.Fields == nil {
				t.Errorf("%d %s, want 400 with %q", w.Code, w.Body, c.message)
			}
		})
	}
}

func TestSearchNeedsJSON(t *testing.T) {
	r := newRequest("POST", "/rest/api/3/search/jql", `{"jql":"project = OPS"}`)
	r.Header.Set("Content-Type", "text/plain")
	if w := simtest.Serve(newSimulator(), r); w.Code != 415 {
		t.Errorf("status %d, want 415", w.Code)
	}
}

func TestSearchFields(t *testing.T) {
	cases := []struct {
		rule, fields string
		want         []string // besides id
		absent       []string
	}{
		{"without fields there is the id only", `null`, nil, []string{"summary"}},
		{"id is the id only", `["id"]`, nil, []string{"summary"}},
		{"a named field is there", `["summary"]`, []string{"summary"}, []string{"status"}},
		{"a list may have commas", `["summary,status"]`, []string{"summary", "status"}, []string{"labels"}},
		{"*all is all", `["*all"]`, []string{"summary", "comment", "description"}, nil},
		{"*navigable has no comments", `["*navigable"]`, []string{"summary", "description"}, []string{"comment"}},
		{"a dash leaves a field out", `["*all","-comment"]`, []string{"summary"}, []string{"comment"}},
		{"an unknown field is ignored", `["summary","nonsense"]`, []string{"summary"}, []string{"nonsense"}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			body := fmt.Sprintf(`{"jql":"key = OPS-1","fields":%s}`, c.fields)
			found := simtest.Read[results](t, send(newSimulator(), "POST", "/rest/api/3/search/jql", body))
			if len(found.Issues) != 1 || found.Issues[0].ID != "10001" {
				t.Fatalf("got %+v", found)
			}
			got := found.Issues[0]
			if (got.Key == "OPS-1") != (c.want != nil) {
				t.Errorf("key %q", got.Key)
			}
			for _, name := range c.want {
				if _, ok := got.Fields[name]; !ok {
					t.Errorf("no %s in %v", name, got.Fields)
				}
			}
			for _, name := range c.absent {
				if _, ok := got.Fields[name]; ok {
					t.Errorf("%s is there", name)
				}
			}
		})
	}
}

// pages reads a whole search and returns the sizes of its pages and the keys.
func pages(t *testing.T, s *Simulator, body map[string]any, between func()) (sizes []int, keys []string) {
	t.Helper()
	for {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		page := simtest.Read[results](t, send(s, "POST", "/rest/api/3/search/jql", string(b)))
		sizes = append(sizes, len(page.Issues))
		for _, i := range page.Issues {
			keys = append(keys, i.Key)
		}
		if page.IsLast && page.NextPageToken != nil {
			t.Fatalf("the last page has a token, %s", *page.NextPageToken)
		}
		if page.NextPageToken == nil || *page.NextPageToken == body["nextPageToken"] {
			return sizes, keys
		}
		body["nextPageToken"] = *page.NextPageToken
		between()
	}
}

func TestPaging(t *testing.T) {
	cases := []struct {
		rule  string
		body  map[string]any
		sizes string
	}{
		{"a page holds 50 by default", map[string]any{"jql": "created > 2000-01-01"}, "[50 50 20]"},
		{"a page holds what is asked for", map[string]any{"jql": "project = WEB", "maxResults": 25}, "[25 25 10]"},
		{"a page of ids holds up to 5,000", map[string]any{"jql": "created > 2000-01-01", "maxResults": 5000}, "[120]"},
		{"a page of fields holds up to 100", map[string]any{"jql": "created > 2000-01-01", "maxResults": 5000, "fields": []string{"summary"}},
			"[100 20]"},
		{"nothing found is one empty page", map[string]any{"jql": "labels = none"}, "[0]"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			if sizes, _ := pages(t, newSimulator(), c.body, func() {}); fmt.Sprint(sizes) != c.sizes {
				t.Errorf("pages of %v, want %s", sizes, c.sizes)
			}
		})
	}
}

func TestIssuesCreatedBetweenPagesRepeatNothing(t *testing.T) {
	clock := simtest.NewClock()
	s := New(atlassiansim.Options{Lag: atlassiansim.NoLag, Now: clock.Now})
	seen := map[string]bool{}
	_, keys := pages(t, s, map[string]any{"jql": "project = OPS", "fields": []string{"key"}, "maxResults": 7}, func() {
		clock.Advance(time.Millisecond)
		send(s, "POST", "/rest/api/3/issue", createTask)
	})
	for _, key := range keys {
		if seen[key] {
			t.Errorf("%s twice", key)
		}
		seen[key] = true
	}
}

func TestTokenIsBoundToItsQueryAndAge(t *testing.T) {
	cases := []struct {
		rule   string
		query  string
		age    time.Duration
		status int
	}{
		{"a token of the query is good", "project = OPS", 0, 200},
		{"a token of another query is not", "project = WEB", 0, 400},
		{"a token lives less than 7 days", "project = OPS", 7 * 24 * time.Hour, 400},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			clock := simtest.NewClock()
			s := New(atlassiansim.Options{Lag: atlassiansim.NoLag, Now: clock.Now})
			first := simtest.Read[results](t, send(s, "POST", "/rest/api/3/search/jql", `{"jql":"project = OPS"}`))
			clock.Advance(c.age)
			body := fmt.Sprintf(`{"jql":%q,"nextPageToken":%q}`, c.query, *first.NextPageToken)
			if w := send(s, "POST", "/rest/api/3/search/jql", body); w.Code != c.status {
				t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
		})
	}
}

func TestSearchLagsBehindCommits(t *testing.T) {
	clock := simtest.NewClock()
	s := New(atlassiansim.Options{Lag: func() time.Duration { return 3 * time.Second }, Now: clock.Now})
	created := simtest.Read[struct{ ID, Key string }](t, send(s, "POST", "/rest/api/3/issue", createTask))
	find := func(more string) int {
		body := fmt.Sprintf(`{"jql":"labels = tls"%s}`, more)
		return len(simtest.Read[results](t, send(s, "POST", "/rest/api/3/search/jql", body)).Issues)
	}
	if n := find(""); n != 0 {
		t.Errorf("found %d at once, want 0", n)
	}
	if n := find(`,"reconcileIssues":[` + created.ID + `]`); n != 1 {
		t.Errorf("found %d reconciled, want 1", n)
	}
	if w := send(s, "GET", "/rest/api/3/issue/"+created.Key, ""); w.Code != 200 {
		t.Errorf("the issue itself: %d, want 200", w.Code)
	}
	clock.Advance(3 * time.Second)
	if n := find(""); n != 1 {
		t.Errorf("found %d after the lag, want 1", n)
	}
}

func TestSearchByQueryIsTheSameSearch(t *testing.T) {
	s := newSimulator()
	query := url.Values{"jql": {"key in (OPS-1, OPS-2) order by key"}, "fields": {"summary,status", "labels"}, "maxResults": {"1"},
		"expand": {"names"}}
	page := simtest.Read[results](t, send(s, "GET", "/rest/api/3/search/jql?"+query.Encode(), ""))
	if len(page.Issues) != 1 || page.Issues[0].Key != "OPS-1" || len(page.Issues[0].Fields) != 3 || page.IsLast {
		t.Errorf("got %+v", page)
	}
	if page.Names["summary"] != "Summary" {
		t.Errorf("names %v", page.Names)
	}
	for _, bad := range []string{"maxResults=x", "maxResults=0", "reconcileIssues=x", "nextPageToken=x"} {
		if w := send(s, "GET", "/rest/api/3/search/jql?jql=project%3DOPS&"+bad, ""); w.Code != 400 {
			t.Errorf("%s: status %d, want 400", bad, w.Code)
		}
	}
}
