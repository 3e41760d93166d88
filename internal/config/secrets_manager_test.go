package config

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
)

// secretsAt gives a manager whose requests a handler answers, and their number.
func secretsAt(t *testing.T, handler http.HandlerFunc) (*secretsManager, *atomic.Int32) {
	t.Helper()
	requests := &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return newSecretsManager(environment(map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL, "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "own-key", "AWS_SESSION_TOKEN": "session",
	})), requests
}

func TestTheRequestForASecret(t *testing.T) {
	manager, _ := secretsAt(t, func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		_ = json.NewDecoder(r.Body).Decode(&body)
		authorization := r.Header.Get("Authorization")
		if r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" ||
			r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || len(body) != 1 || body["SecretId"] != "a/b" {
			t.Errorf("%s %s %v %v", r.Method, r.URL, r.Header, body)
		}
		if !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential=AKID/") || !strings.Contains(authorization, "/eu-central-1/secretsmanager/aws4_request") ||
			r.Header.Get("X-Amz-Security-Token") != "session" {
			t.Errorf("signed %s", authorization)
		}
		fmt.Fprint(w, `{"SecretString":"text"}`)
	})
	if got, err := manager.text(t.Context(), "a/b"); err != nil || got != "text" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhereSecretsAre(t *testing.T) {
	for region, want := range map[string]string{
		"eu-central-1": "https://secretsmanager.eu-central-1.amazonaws.com",
		"cn-north-1":   "https://secretsmanager.cn-north-1.amazonaws.com.cn",
	} {
		if got := newSecretsManager(environment(map[string]string{"AWS_REGION": region})).url; got != want {
			t.Errorf("%s: %s", region, got)
		}
	}
}

func TestFailedReadsOfASecret(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	cut := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	for rule, c := range map[string]struct {
		handler  http.HandlerFunc
		requests int32
		want     string
	}{
		"a missing secret is named":               {answer(400, `{"__type":"ResourceNotFoundException"}`), 1, "secret a is missing"},
		"a shape's whole id is understood":        {answer(400, `{"__type":"x.y#ResourceNotFoundException"}`), 1, "secret a is missing"},
		"a refusal says which":                    {answer(400, `{"__type":"AccessDeniedException","Message":"s3cret"}`), 1, "secret a cannot be read: answered 400 AccessDeniedException"},
		"throttling is tried once more":           {answer(400, `{"__type":"ThrottlingException"}`), 2, "ThrottlingException"},
		"a failure is tried once more":            {answer(500, `<html>`), 2, "500 Internal Server Error"},
		"a connection that ends is made anew":     {cut, 2, "secret a cannot be read: "},
		"what is no name is not shown":            {answer(400, `{"__type":"s3cret\n"}`), 1, "400 Bad Request"},
		"an answer that is no JSON is none":       {answer(200, `s3cret`), 1, "no JSON"},
		"a binary secret is none":                 {answer(200, `{"SecretBinary":"czNjcmV0"}`), 1, "secret a cannot be read: it is not text"},
		"a redirect is not followed":              {answer(307, ``), 1, "307 Temporary Redirect"},
		"an answer of any size is not read whole": {answer(200, `{"SecretString":"`+strings.Repeat("s3cret", maxSecretAnswer/6)+`"}`), 1, "no JSON"},
	} {
		t.Run(rule, func(t *testing.T) {
			manager, requests := secretsAt(t, c.handler)
			_, err := manager.text(t.Context(), "a")
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "own-key") {
				t.Errorf("got %v", err)
			}
			if requests.Load() != c.requests {
				t.Errorf("%d requests", requests.Load())
			}
		})
	}
}

func TestAReadOfASecretEndsWithItsContext(t *testing.T) {
	manager, requests := secretsAt(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := manager.text(ctx, "a"); err == nil || requests.Load() != 1 {
		t.Errorf("%v, %d requests", err, requests.Load())
	}
}

func TestClientCredentialsAreExchanged(t *testing.T) {
	const application = `{"client_id":"i","client_secret":"s3cret"}`
	for rule, c := range map[string]struct {
		secret string
		status int
		tokens string // ATLASSIAN_TOKEN_URL instead of the server's
		want   string // in the error
	}{
		"a token comes of an id and a secret":         {application, 200, "", ""},
		"an API token is no application":              {`{"email":"a","token":"s3cret"}`, 200, "", "secret jira: "},
		"a refusal is Atlassian's":                    {application, 401, "", "unauthorized"},
		"secrets go nowhere in the clear":             {application, 200, "http://auth.example.com/token", "ATLASSIAN_TOKEN_URL: want https"},
		"an address with a password in it is refused": {application, 200, "https://a:s3cret@auth.example.com", "ATLASSIAN_TOKEN_URL: "},
	} {
		t.Run(rule, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/oauth/token" {
					w.WriteHeader(c.status)
					fmt.Fprint(w, `{"access_token":"t","expires_in":3600}`)
					return
				}
				fmt.Fprintf(w, `{"SecretString":%q}`, c.secret)
			}))
			defer server.Close()
			tokens := c.tokens
			if tokens == "" {
				tokens = server.URL + "/oauth/token"
			}
			read := Credentials(environment(map[string]string{
				"AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL, "ATLASSIAN_TOKEN_URL": tokens,
			}), "jira", atlassian.ClientCredentials)
			got, err := read(t.Context())
			if (err == nil) != (c.want == "") || err == nil && (got.Token != "t" || got.Until.IsZero()) {
				t.Fatalf("got %v", err)
			}
			if err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret")) {
				t.Errorf("got %v", err)
			}
		})
	}
}
