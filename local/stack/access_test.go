package stack

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/coldfuse/coldfuse/local/stack/identity"
)

// caller adds credentials to a request.
type caller func(t *testing.T, r *http.Request, body string)

func nobody(*testing.T, *http.Request, string) {}

func bearer(issuer *identity.Issuer, subject string) caller {
	return func(_ *testing.T, r *http.Request, _ string) {
		r.Header.Set("Authorization", "Bearer "+issuer.Token(subject))
	}
}

func signing(keys *identity.AccessKeys, user string) caller {
	return func(t *testing.T, r *http.Request, body string) {
		t.Helper()
		key := keys.Of(user)
		credentials := aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
		hash := identity.BodyHash([]byte(body))
		if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hash, identity.Service, identity.Region, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// sendAs sends a request that also claims to be bob's in every way that a
// client has, which must change nothing.
func sendAs(t *testing.T, s *Stack, who caller, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Amzn-Request-Context", `{"authorizer":{"jwt":{"claims":{"sub":"bob"}},"iam":{"userId":"bob"}}}`)
	for _, name := range []string{"X-Amzn-Oidc-Identity", "X-Amzn-Principal-Id", "X-Forwarded-User", "X-User-Id", "Subject"} {
		r.Header.Set(name, "bob")
	}
	who(t, r, body)
	status, answer, err := exchange(r)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

func TestAccess(t *testing.T) {
	const unauthorized, forbidden = `{"message":"Unauthorized"}`, `{"message":"Forbidden"}`
	cases := []struct {
		mode      string
		user      func(s *Stack, name string) caller
		stranger  caller // with another issuer's, or an unknown key's
		rejection int
		message   string
		subject   string // of alice
	}{
		{
			"jwt", func(s *Stack, name string) caller { return bearer(s.Issuer, name) },
			bearer(identity.NewIssuer(), "alice"), 401, unauthorized, "alice",
		},
		{
			"iam", func(s *Stack, name string) caller { return signing(s.AccessKeys, name) },
			signing(identity.NewAccessKeys(), "alice"), 403, forbidden, identity.NewAccessKeys().Of("alice").UserID,
		},
	}
	for _, c := range cases {
		t.Run(c.mode, func(t *testing.T) {
			s := newStack(t, Config{Parameters: quick("AuthMode", c.mode)})
			alice, bob := c.user(s, "alice"), c.user(s, "bob")
			owned := `"user_id":"` + c.subject + `"`
			steps := []struct {
				rule               string
				who                caller
				method, path, body string
				want               int
				text               string // in the answer
			}{
				{"nobody is rejected", nobody, "GET", "/jira/server-info", "", c.rejection, c.message},
				{"nobody is rejected with a body", nobody, "POST", "/jira/search", search, c.rejection, c.message},
				{"a stranger is rejected", c.stranger, "GET", "/jira/server-info", "", c.rejection, c.message},
				{"the monitor is open", nobody, "GET", "/resilience/summary", "", 200, "jira_api"},
				{"a user may", alice, "GET", "/jira/server-info", "", 200, ""},
				{"with a body", alice, "POST", "/jira/search", search, 200, ""},
				{"with a query", alice, "GET", "/jira/projects?query=o%20p&limit=1", "", 200, ""},

				{"a session is its caller's, whoever else is claimed", alice, "PUT", "/sessions/tea", "", 201, owned},
				{"its owner reads it", alice, "GET", "/sessions/tea", "", 200, owned},
				{"its owner lists it", alice, "GET", "/sessions", "", 200, `"tea"`},
				{"to another it does not exist", bob, "GET", "/sessions/tea", "", 404, "Session not found"},
				{"nor do its messages", bob, "GET", "/sessions/tea/messages", "", 404, "Session not found"},
				{"nor can it be written to", bob, "POST", "/sessions/tea/messages", `{"id":"m","role":"user","content":"x"}`, 404, "Session not found"},
				{"nor be listed", bob, "GET", "/sessions", "", 200, `"items":[]`},
				{"nobody makes one for another", alice, "POST", "/sessions", `{"user_id":"bob","session_data":{"title":"x"}}`, 403, ""},
				{"one makes one for oneself", alice, "POST", "/sessions", `{"user_id":"` + c.subject + `","session_data":{"title":"x"}}`, 201, owned},
				{"its owner still has it", alice, "DELETE", "/sessions/tea", "", 204, ""},
			}
			for _, step := range steps {
				status, answer := sendAs(t, s, step.who, step.method, step.path, step.body)
				if status != step.want || !strings.Contains(answer, step.text) {
					t.Errorf("%s: got %d %s, want %d %s", step.rule, status, answer, step.want, step.text)
				}
			}
		})
	}
}

func TestWithoutAnAuthorizerTheCallerIsTheLocalUser(t *testing.T) {
	s := newStack(t, Config{Parameters: quick()})
	if status, answer := sendAs(t, s, nobody, "PUT", "/sessions/tea", ""); status != 201 || !strings.Contains(answer, `"user_id":"local-user"`) {
		t.Errorf("got %d %s, want the local user's session", status, answer)
	}
}
