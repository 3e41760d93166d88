package config

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/atlassian"
)

func TestClientCredentialsAreExchanged(t *testing.T) {
	const application = `{"client_id":"i","client_secret":"s3cret"}`
	for rule, c := range map[string]struct {
		secret string
		status int
		tokens string // ATLASSIAN_TOKEN_URL instead of the server's
		want   string // in the error
	}{
		"a token comes of an id and a secret":          {application, 200, "", ""},
		"an API token is no application":               {`{"email":"a","token":"s3cret"}`, 200, "", "secret jira: "},
		"a rejection is Atlassian's":                   {application, 401, "", "unauthorized"},
		"secrets go nowhere in the clear":              {application, 200, "http://auth.example.com/token", "ATLASSIAN_TOKEN_URL: want https"},
		"an address with a password in it is rejected": {application, 200, "https://a:s3cret@auth.example.com", "ATLASSIAN_TOKEN_URL: "},
	} {
		t.Run(rule, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/oauth/token" {
					w.WriteHeader(c.status)
					fmt.Fprint(w, `{"access_token":"t","expires_in":3600}`)
					return
				}
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
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
