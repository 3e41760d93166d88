package jirasim

import (
	"testing"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

func TestRefusedCredentialsSeeNothing(t *testing.T) {
	cases := []struct {
		rule, method, path, body string
		status                   int
		want                     string // the whole body, unless empty
	}{
		{"a search is empty", "POST", "/rest/api/3/search/jql", `{"jql":"project = OPS"}`, 200, `{"isLast":true,"issues":[]}`},
		{"an unbounded search is unbounded all the same", "POST", "/rest/api/3/search/jql", `{"jql":""}`, 400, ""},
		{"an issue is not there", "GET", "/rest/api/3/issue/OPS-1", "", 404,
			`{"errorMessages":["` + noIssue + `"],"errors":{}}`},
		{"nothing is created", "POST", "/rest/api/3/issue", createTask, 400, ""},
		{"issue types are none", "GET", "/rest/api/3/issuetype", "", 200, `[]`},
		{"a project has no issue types", "GET", "/rest/api/3/issuetype/project?projectId=10000", "", 404, ""},
		{"server info is open", "GET", "/rest/api/3/serverInfo", "", 200, ""},
		{"only myself says 401", "GET", "/rest/api/3/myself", "", 401, "Client must be authenticated to access this resource."},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newSimulator()
			if err := s.Set(atlassiansim.Fault{Kind: atlassiansim.ExpiredToken}); err != nil {
				t.Fatal(err)
			}
			w := send(s, c.method, c.path, c.body)
			if w.Code != c.status {
				t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if c.want != "" && w.Body.String() != c.want && w.Body.String() != c.want+"\n" {
				t.Errorf("body %s, want %s", w.Body, c.want)
			}
			if got := w.Header().Get("X-Seraph-LoginReason"); got != "AUTHENTICATED_FAILED" {
				t.Errorf("X-Seraph-LoginReason %q", got)
			}
			if s.Log()[0].Created != "" {
				t.Error("an issue was created")
			}
		})
	}
}
