package contract

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/secretsim"
)

// serve puts a simulator behind the check. What differs from the description
// fails the test.
func serve(t *testing.T, load func() (*Description, error), simulator http.Handler) (url string) {
	t.Helper()
	description, err := load()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(description.Wrap(simulator, func(err error) { t.Error(err) }))
	t.Cleanup(func() {
		server.CloseClientConnections() // a hanging answer would block Close
		server.Close()
	})
	return server.URL
}

// deployment is how a function reaches a site.
type deployment struct {
	rule string
	path string // below the server's URL
	auth string
}

func deployments(product, cloudID string) []deployment {
	gateway := "/ex/" + product + "/" + cloudID
	return []deployment{
		{"a site", "", "basic"},
		{"the gateway with a token", gateway, "basic"},
		{"the gateway with a bearer", gateway, "bearer"},
		{"the gateway with an application", gateway, "client_credentials"},
	}
}

// environment is that of a function whose connector's variables have the prefix,
// deployed as d says for the site at a URL.
func environment(t *testing.T, prefix, site string, d deployment) func(string) string {
	t.Helper()
	value, err := json.Marshal(struct {
		atlassiansim.Credentials
		atlassiansim.App
	}{
		atlassiansim.Credentials{Email: atlassiansim.DefaultEmail, Token: atlassiansim.DefaultToken},
		atlassiansim.App{ID: atlassiansim.DefaultAppID, Secret: atlassiansim.DefaultAppSecret},
	})
	if err != nil {
		t.Fatal(err)
	}
	secrets := secretsim.New()
	secrets.Put("atlassian", string(value))
	server := httptest.NewServer(secrets)
	t.Cleanup(server.Close)
	variables := map[string]string{
		prefix + "BASE_URL":                site + d.path,
		prefix + "SITE_URL":                "https://site.example.com",
		prefix + "AUTH":                    d.auth,
		prefix + "SECRET_ID":               "atlassian",
		prefix + "BASE_DELAY":              "0.001",
		prefix + "MAX_DELAY":               "0.01",
		prefix + "TRY_TIMEOUT":             "0.2",
		prefix + "FAILURE_THRESHOLD":       "100", // no circuit opens
		"ATLASSIAN_TOKEN_URL":              site + "/oauth/token",
		"CIRCUITS_TABLE":                   "circuits",
		"IDEMPOTENCY_TABLE":                "idempotency",
		"AWS_REGION":                       "us-east-1",
		"AWS_ACCESS_KEY_ID":                "local",
		"AWS_SECRET_ACCESS_KEY":            "local",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL,
	}
	return func(name string) string { return variables[name] }
}

// request is one of a client.
type request struct {
	rule   string
	method string // empty: GET
	path   string // below /api/v1
	body   string
	key    string // Idempotency-Key
	status int    // 0: any, only the exchange with Atlassian is looked at
}

// do makes the request and returns the answer's page token.
func (r request) do(t *testing.T, handler http.Handler) (next string) {
	t.Helper()
	// As long as a function has: what would take longer fails at once.
	ctx, cancel := context.WithTimeout(t.Context(), config.HTTPLimit)
	defer cancel()
	sent := httptest.NewRequestWithContext(ctx, cmp.Or(r.method, http.MethodGet), "/api/v1"+r.path, strings.NewReader(r.body))
	if r.key != "" {
		sent.Header.Set("Idempotency-Key", r.key)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, sent)
	if r.status != 0 && w.Code != r.status {
		t.Errorf("%s: status %d, want %d: %s", r.rule, w.Code, r.status, w.Body)
	}
	var page struct {
		Next string `json:"next_page_token"`
	}
	_ = json.Unmarshal(w.Body.Bytes(), &page) // lists have none
	return page.Next
}

// walk goes through a list to its end and returns the number of its pages.
func walk(t *testing.T, handler http.Handler, list string) (pages int) {
	t.Helper()
	for next, more := "", true; more; more = next != "" {
		next = request{rule: "a page", path: list + next, status: 200}.do(t, handler)
		if next != "" {
			next = "&page_token=" + url.QueryEscape(next)
		}
		pages++
	}
	return pages
}

// failure is something that goes wrong, and what clients are told of it.
type failure struct {
	rule   string
	fault  atlassiansim.Fault
	status int // 0: it depends on the product
}

func failures() []failure {
	answered := func(status int, body atlassiansim.BodyKind) atlassiansim.Fault {
		return atlassiansim.Fault{Kind: atlassiansim.Status, Status: status, Body: body}
	}
	limited := answered(429, atlassiansim.BodyJSON)
	limited.RetryAfter, limited.RateLimitReason = "300", "jira-burst-based"
	return []failure{
		{"expired credentials", atlassiansim.Fault{Kind: atlassiansim.ExpiredToken}, 502},
		{"401", answered(401, atlassiansim.BodyJSON), 502},
		{"403", answered(403, atlassiansim.BodyJSON), 0},
		{"404 of nothing", answered(404, atlassiansim.BodyEmpty), 404},
		{"a rate limit", limited, 503},
		{"500", answered(500, atlassiansim.BodyJSON), 503},
		{"502 in HTML", answered(502, atlassiansim.BodyHTML), 503},
		{"504 of nothing", answered(504, atlassiansim.BodyEmpty), 503},
		{"down", atlassiansim.Fault{Kind: atlassiansim.Down}, 503},
		{"hanging", atlassiansim.Fault{Kind: atlassiansim.Hang}, 503},
		{"a reset", atlassiansim.Fault{Kind: atlassiansim.Reset}, 503},
		{"a reset that heals", atlassiansim.Fault{Kind: atlassiansim.Reset, AfterCommit: true, Times: 1}, 200},
		{"pages that are short", atlassiansim.Fault{Kind: atlassiansim.ShortPages}, 200},
		{"pages that are empty", atlassiansim.Fault{Kind: atlassiansim.EmptyPage}, 200},
		{"links to another host", atlassiansim.Fault{Kind: atlassiansim.HostileNext}, 200},
	}
}

// strike makes a request while the fault is in force.
func (f failure) strike(t *testing.T, sim interface {
	Add(atlassiansim.Fault) error
}, handler http.Handler, r request) {
	t.Helper()
	if err := sim.Add(f.fault); err != nil {
		t.Fatal(err)
	}
	r.rule, r.status = f.rule, f.status
	r.do(t, handler)
}

// ask sends the request as a client of Atlassian's API would, to a site that
// answers for itself.
func (e exchange) ask(t *testing.T, site string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), cmp.Or(e.method, http.MethodGet), site+e.path, strings.NewReader(e.body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(atlassiansim.DefaultEmail, atlassiansim.DefaultToken)
	if e.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != e.status {
		t.Errorf("%s %s: status %d, want %d", r.Method, e.path, answer.StatusCode, e.status)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
