package jirasim

import (
	"net/http/httptest"
	"testing"
)

const gateway = "/ex/jira/" + DefaultCloudID

func TestIdentity(t *testing.T) {
	basic := func(email, token string) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth(email, token)
		return r.Header.Get("Authorization")
	}
	cases := []struct {
		rule, prefix, authorization string
		want                        Identity
	}{
		{"the right pair is accepted", "", basic(DefaultEmail, DefaultToken), Accepted},
		{"an address has no case", "", basic("BOT@example.com", DefaultToken), Accepted},
		{"a wrong token is refused", "", basic(DefaultEmail, "wrong"), Refused},
		{"another's address is refused", "", basic("x@example.com", DefaultToken), Refused},
		{"no credentials are anonymous", "", "", Anonymous},
		{"a pair without a user is anonymous", "", basic("", DefaultToken), Anonymous},
		{"an unknown scheme is anonymous", "", "token " + DefaultToken, Anonymous},
		{"a bearer is barred from the site", "", "Bearer " + DefaultToken, Barred},
		{"the gateway takes the pair", gateway, basic(DefaultEmail, DefaultToken), Accepted},
		{"the gateway takes the bearer", gateway, "Bearer " + DefaultToken, Accepted},
		{"a wrong bearer is barred", gateway, "Bearer wrong", Barred},
		{"the gateway bars the anonymous", gateway, "", Barred},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			s := newSimulator()
			r := httptest.NewRequest("GET", c.prefix+"/rest/api/3/project/search", nil)
			r.Header.Set("Authorization", c.authorization)
			w := serve(s, r)
			if got := s.Log()[0].Identity; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			wantStatus := 200
			if c.want == Barred {
				wantStatus = 403
			}
			if w.Code != wantStatus {
				t.Errorf("status %d, want %d", w.Code, wantStatus)
			}
			failed := w.Header().Get("X-Seraph-LoginReason") == "AUTHENTICATED_FAILED"
			if failed != (c.want == Refused) {
				t.Errorf("X-Seraph-LoginReason %q", w.Header().Get("X-Seraph-LoginReason"))
			}
		})
	}
}

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
			if err := s.Set(Fault{Kind: ExpiredToken}); err != nil {
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

func TestRotatedCredentialsReplaceTheOldOnes(t *testing.T) {
	s := newSimulator()
	s.Rotate(Credentials{DefaultEmail, "new"})
	if w := send(s, "GET", "/rest/api/3/myself", ""); w.Code != 401 {
		t.Errorf("the old token: %d, want 401", w.Code)
	}
	r := newRequest("GET", "/rest/api/3/myself", "")
	r.SetBasicAuth(DefaultEmail, "new")
	if w := serve(s, r); w.Code != 200 {
		t.Errorf("the new token: %d, want 200", w.Code)
	}
}
