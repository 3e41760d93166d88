package jirasim

import (
	"fmt"
	"testing"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

func TestGetIssue(t *testing.T) {
	cases := []struct {
		rule, path string
		status     int
	}{
		{"by key", "OPS-1", 200},
		{"by key in any case", "ops-1", 200},
		{"by id", "10001", 200},
		{"an unknown key is 404", "OPS-999", 404},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			w := send(newSimulator(), "GET", "/rest/api/3/issue/"+c.path, "")
			if w.Code != c.status {
				t.Fatalf("status %d, want %d", w.Code, c.status)
			}
			if c.status != 200 {
				return
			}
			got := simtest.Read[struct {
				ID, Key string
				Fields  map[string]any
			}](t, w)
			if got.ID != "10001" || got.Key != "OPS-1" || got.Fields["summary"] != "Checkout times out under load" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestGetIssueExpandsNames(t *testing.T) {
	w := send(newSimulator(), "GET", "/rest/api/3/issue/OPS-1?fields=issuetype&expand=renderedFields,names", "")
	got := simtest.Read[struct{ Names map[string]string }](t, w)
	if len(got.Names) != 1 || got.Names["issuetype"] != "Issue Type" {
		t.Errorf("names %v", got.Names)
	}
}

func TestProjects(t *testing.T) {
	cases := []struct {
		rule, query, keys string
		size              int
		isLast            bool
	}{
		{"all by key", "", "[NOL OPS WEB]", 50, true},
		{"a page", "?maxResults=1", "[NOL]", 1, false},
		{"the next page", "?maxResults=1&startAt=2", "[WEB]", 1, true},
		{"a page holds at most 100", "?maxResults=1000", "[NOL OPS WEB]", 100, true},
		{"beyond the end", "?startAt=9", "[]", 50, true},
		{"part of a name in any case", "?query=SHOP", "[WEB]", 50, true},
		{"part of a key", "?query=op", "[OPS WEB]", 50, true},
		{"keys", "?keys=WEB&keys=NOPE", "[WEB]", 50, true},
		{"ids", "?id=10000", "[OPS]", 50, true},
		{"backwards", "?orderBy=-name", "[WEB OPS NOL]", 50, true},
		{"no match is an empty page", "?query=zzz", "[]", 50, true},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			got := simtest.Read[struct {
				Values   []struct{ Key string }
				IsLast   bool
				Max      int `json:"maxResults"`
				NextPage *string
			}](t, send(newSimulator(), "GET", "/rest/api/3/project/search"+c.query, ""))
			keys := []string{}
			for _, p := range got.Values {
				keys = append(keys, p.Key)
			}
			if fmt.Sprint(keys) != c.keys || got.IsLast != c.isLast || got.Max != c.size || (got.NextPage == nil) != c.isLast {
				t.Errorf("keys %v, got %+v", keys, got)
			}
		})
	}
	for _, bad := range []string{"startAt=x", "maxResults=x", "orderBy=colour"} {
		if w := send(newSimulator(), "GET", "/rest/api/3/project/search?"+bad, ""); w.Code != 400 {
			t.Errorf("%s: status %d, want 400", bad, w.Code)
		}
	}
}

func TestIssueTypes(t *testing.T) {
	cases := []struct {
		rule, path string
		status     int
		names      string
	}{
		{"all", "issuetype", 200, "[Epic Story Task Bug Sub-task]"},
		{"of a project", "issuetype/project?projectId=10000", 200, "[Task Bug Sub-task]"},
		{"of a level", "issuetype/project?projectId=10001&level=-1", 200, "[Sub-task]"},
		{"a project must be given", "issuetype/project", 400, ""},
		{"a project is a number", "issuetype/project?projectId=OPS", 400, ""},
		{"a project must exist", "issuetype/project?projectId=1", 404, ""},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			w := send(newSimulator(), "GET", "/rest/api/3/"+c.path, "")
			if w.Code != c.status {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if c.status != 200 {
				return
			}
			var names []string
			for _, kind := range simtest.Read[[]struct{ Name string }](t, w) {
				names = append(names, kind.Name)
			}
			if fmt.Sprint(names) != c.names {
				t.Errorf("got %v, want %s", names, c.names)
			}
		})
	}
}

func TestServerInfoIsOfTheCloud(t *testing.T) {
	got := simtest.Read[struct{ DeploymentType, BaseURL string }](t, send(newSimulator(), "GET", "/rest/api/3/serverInfo", ""))
	if got.DeploymentType != "Cloud" || got.BaseURL != "http://example.com" {
		t.Errorf("got %+v", got)
	}
}
