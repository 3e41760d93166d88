package identity

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const posted = `{"jql":"project = OPS"}`

// sign has Amazon's own signer sign a request as a client would.
func sign(t *testing.T, key AccessKey, r *http.Request, body string, at time.Time) {
	t.Helper()
	credentials := aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret, SessionToken: key.SessionToken}
	err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, BodyHash([]byte(body)), Service, Region, at)
	if err != nil {
		t.Fatal(err)
	}
}

// server admits whom an IAM authorizer admits, and answers with the user.
func server(t *testing.T, authorizer IAM) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		caller, rejection := authorizer.Authorize(r, body)
		if rejection != nil {
			http.Error(w, rejection.Reason, rejection.Status)
			return
		}
		io.WriteString(w, caller.IAM.UserARN)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestSignatures(t *testing.T) {
	keys := NewAccessKeys()
	alice := keys.Of("alice")
	temporary := AccessKey{ID: "ASIA", Secret: "s", SessionToken: "token", UserARN: alice.UserARN}
	s := server(t, IAM{
		Key: func(id string) (AccessKey, bool) {
			if id == temporary.ID {
				return temporary, true
			}
			return keys.Find(id)
		},
		Now: func() time.Time { return issued },
	})
	without := func(key AccessKey) AccessKey { key.SessionToken = ""; return key }
	wrong := func(key AccessKey) AccessKey { key.Secret += "x"; return key }
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	replace := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	none := func(*http.Request) {}
	cases := []struct {
		rule         string
		method, path string
		body         string
		key          AccessKey
		at           time.Time
		before       func(*http.Request) // it is signed
		after        func(*http.Request)
		want         string // of the reason; empty: admitted
	}{
		{"a GET", "GET", "/a", "", alice, issued, none, none, ""},
		{"a POST with its length signed", "POST", "/a", posted, alice, issued, none, none, ""},
		{"a query in any order", "GET", "/a?b=2&a=1&b=1&c", "", alice, issued, none, none, ""},
		{"a query that sorts differently once escaped", "GET", "/a?k=a/b&k=a-b&a-b=1&a/b=1&a=1", "", alice, issued, none, none, ""},
		{"a query that needs escaping", "GET", "/a?q=a%20b%2Bc&%C3%A4=%2F%7E*", "", alice, issued, none, none, ""},
		{"a path that needs escaping", "GET", "/a%20b/%C3%A4/c%2Fd/~-._:@", "", alice, issued, none, none, ""},
		{"headers with spaces", "GET", "/", "", alice, issued, header("X-Amz-Meta", "  a   b "), none, ""},
		{"headers that are not signed may be added", "GET", "/", "", alice, issued, none, header("X-Forwarded-User", "bob"), ""},
		{"a temporary key with its token", "GET", "/", "", temporary, issued, none, none, ""},
		{"the body's hash may be declared", "POST", "/", posted, alice, issued, header("X-Amz-Content-Sha256", BodyHash([]byte(posted))), none, ""},
		{"a clock five minutes slow", "GET", "/", "", alice, issued.Add(-5 * time.Minute), none, none, ""},
		{"a clock five minutes fast", "GET", "/", "", alice, issued.Add(5 * time.Minute), none, none, ""},

		{"a wrong secret", "GET", "/", "", wrong(alice), issued, none, none, "does not match"},
		{"an unknown key", "GET", "/", "", AccessKey{ID: "AKIAX", Secret: "s"}, issued, none, none, "key is unknown"},
		{"a temporary key without its token", "GET", "/", "", without(temporary), issued, none, none, "session token"},
		{"a long-term key with a token", "GET", "/", "", AccessKey{ID: alice.ID, Secret: alice.Secret, SessionToken: "x"}, issued, none, none, "session token"},
		{"another path", "GET", "/a", "", alice, issued, none, func(r *http.Request) { r.URL.Path = "/b" }, "does not match"},
		{"another method", "GET", "/a", "", alice, issued, none, func(r *http.Request) { r.Method = "DELETE" }, "does not match"},
		{"another query", "GET", "/a?a=1", "", alice, issued, none, func(r *http.Request) { r.URL.RawQuery = "a=2" }, "does not match"},
		{"another body", "POST", "/a", posted, alice, issued, none, func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(posted, "OPS", "SEC", 1)))
		}, "does not match"},
		{"another host", "GET", "/a", "", alice, issued, none, func(r *http.Request) { r.Host = "example.com" }, "does not match"},
		{"another value of a signed header", "GET", "/", "", alice, issued, header("X-Amz-Meta", "a"), header("X-Amz-Meta", "b"), "does not match"},
		{"an x-amz- header that is not signed", "GET", "/", "", alice, issued, none, header("X-Amz-Meta", "b"), "x-amz-meta is not signed"},
		{"an unsigned body", "POST", "/", posted, alice, issued, header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), none, "Sha256 is not the body's"},
		{"a host that is not signed", "GET", "/", "", alice, issued, none, replace("SignedHeaders=host;", "SignedHeaders="), "host is not signed"},
		{"another region", "GET", "/", "", alice, issued, none, replace(Region, "eu-west-1"), "another day, region or service"},
		{"another service", "GET", "/", "", alice, issued, none, replace(Service, "s3"), "another day, region or service"},
		{"another day", "GET", "/", "", alice, issued, none, replace("20260108", "20260109"), "another day, region or service"},
		{"another time", "GET", "/", "", alice, issued, none, header("X-Amz-Date", "20260108T195401Z"), "does not match"},
		{"no time", "GET", "/", "", alice, issued, none, func(r *http.Request) { r.Header.Del("X-Amz-Date") }, "X-Amz-Date"},
		{"a signature of yesterday", "GET", "/", "", alice, issued.AddDate(0, 0, -1), none, none, "too far from now"},
		{"a clock more than five minutes slow", "GET", "/", "", alice, issued.Add(-5*time.Minute - time.Second), none, none, "too far from now"},
		{"a clock more than five minutes fast", "GET", "/", "", alice, issued.Add(5*time.Minute + time.Second), none, none, "too far from now"},
		{"no header", "GET", "/", "", alice, issued, none, func(r *http.Request) { r.Header.Del("Authorization") }, "no signature of version 4"},
		{"a token", "GET", "/", "", alice, issued, none, header("Authorization", "Bearer x"), "no signature of version 4"},
		{"a short signature", "GET", "/", "", alice, issued, none, replace("Signature=", "Signature=00"), "no signature of version 4"},
		{"another signature", "GET", "/", "", alice, issued, none, header("Authorization",
			algorithm+" Credential="+alice.ID+"/20260108/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64)), "does not match"},
		{"a signature in the query", "GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0", "", alice, issued, none, func(r *http.Request) { r.Header.Del("Authorization") }, "no signature of version 4"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			r, err := http.NewRequest(c.method, s.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			c.before(r)
			sign(t, c.key, r, c.body, c.at)
			c.after(r)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			answer, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			wantStatus, want := 403, c.want
			if want == "" {
				wantStatus, want = 200, alice.UserARN
			}
			if response.StatusCode != wantStatus || !strings.Contains(string(answer), want) {
				t.Errorf("got %d %s, want %d %s", response.StatusCode, answer, wantStatus, want)
			}
		})
	}
}

func TestTheEventNamesTheKeysOwner(t *testing.T) {
	keys := NewAccessKeys()
	bob := keys.Of("bob")
	r := httptest.NewRequest("GET", "/", nil)
	sign(t, bob, r, "", time.Now())
	caller, rejection := IAM{Key: keys.Find}.Authorize(r, nil)
	if rejection != nil {
		t.Fatalf("refused: %+v", rejection)
	}
	got := *caller.IAM
	if got.AccessKey != bob.ID || got.UserID != bob.UserID || got.CallerID != bob.UserID ||
		got.AccountID != "000000000000" || got.UserARN != "arn:aws:iam::000000000000:user/bob" {
		t.Errorf("got %+v", got)
	}
	if caller.JWT != nil {
		t.Errorf("got claims %v", caller.JWT)
	}
	if again := NewAccessKeys().Of("bob"); again.UserID != bob.UserID || again.Secret == bob.Secret {
		t.Error("the user's id should outlive the key, and the secret should not")
	}
	if alice := keys.Of("alice"); alice.UserID == bob.UserID || alice.ID == bob.ID {
		t.Error("alice is bob")
	}
}

func TestCurlSignsWhatIsAdmitted(t *testing.T) {
	keys := NewAccessKeys()
	alice := keys.Of("alice")
	s := server(t, IAM{Key: keys.Find})
	user := alice.ID + ":" + alice.Secret
	cases := []struct {
		rule string
		args []string
		want string
	}{
		{"a GET", []string{s.URL + "/a/b-c"}, alice.UserARN},
		{"a query", []string{s.URL + "/a?limit=3&query=ops"}, alice.UserARN},
		{"a POST", []string{s.URL + "/a", "-H", "Content-Type: application/json", "-d", posted}, alice.UserARN},
		{"a DELETE", []string{"-X", "DELETE", s.URL + "/a"}, alice.UserARN},
		{"a wrong secret", []string{s.URL + "/a", "--user", user + "x"}, "the signature does not match"},
		{"another region", []string{s.URL + "/a", "--aws-sigv4", "aws:amz:eu-west-1:execute-api"}, "another day, region or service"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			args := append([]string{"-sS", "--aws-sigv4", "aws:amz:" + Region + ":" + Service, "--user", user}, c.args...)
			got, err := exec.CommandContext(t.Context(), "curl", args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			if strings.TrimSpace(string(got)) != c.want && !strings.Contains(string(got), c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func FuzzNobodyIsAdmittedWithoutASecret(f *testing.F) {
	keys := NewAccessKeys()
	alice := keys.Of("alice")
	authorizer := IAM{Key: keys.Find, Now: func() time.Time { return issued }}
	f.Add(algorithm+" Credential=A/20260108/us-east-1/execute-api/aws4_request,SignedHeaders=host,Signature=00", "/a?b=c", "host")
	f.Add(algorithm+" Credential="+alice.ID+"/20260108/us-east-1/execute-api/aws4_request, SignedHeaders=;;, Signature="+strings.Repeat("0", 64), "/%2", "")
	f.Fuzz(func(t *testing.T, authorization, target, host string) {
		at, err := url.Parse(target)
		if err != nil {
			return
		}
		r := &http.Request{Method: "GET", URL: at, Host: host, Header: http.Header{}}
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", issued.Format(stamp))
		if _, rejection := authorizer.Authorize(r, []byte(target)); rejection == nil {
			t.Errorf("%q is admitted", authorization)
		}
	})
}
