package config

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/guard"
)

// environment is complete but for what changes says.
func environment(changes map[string]string) func(string) string {
	env := map[string]string{
		"CIRCUITS_TABLE": "circuits", "AWS_REGION": "eu-central-1",
		"JIRA_BASE_URL": "https://site.atlassian.net", "JIRA_SECRET_ID": "jira", "IDEMPOTENCY_TABLE": "idempotency",
		"CONFLUENCE_BASE_URL": "https://site.atlassian.net", "CONFLUENCE_SECRET_ID": "confluence",
		"MONGODB_SECRET_ID": "mongodb",
	}
	for name, value := range changes {
		env[name] = value
	}
	return func(name string) string { return env[name] }
}

func TestAllThatIsMissingIsNamedOnOneLine(t *testing.T) {
	_, err := Jira(func(string) string { return "" })
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"CIRCUITS_TABLE", "AWS_REGION", "JIRA_BASE_URL", "JIRA_SECRET_ID", "IDEMPOTENCY_TABLE"} {
		if strings.Count(err.Error(), name+" is missing") != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Monitor(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "CIRCUITS_TABLE") {
		t.Errorf("monitor: %v", err)
	}
}

func TestWrongValuesNameTheirVariable(t *testing.T) {
	for rule, c := range map[string]struct{ name, value string }{
		"an unknown profile":                    {"JIRA_PROFILE", "eager"},
		"sessions is no profile with a circuit": {"JIRA_PROFILE", "sessions"},
		"a negative count":                      {"JIRA_MAX_ATTEMPTS", "-1"},
		"a count that is none":                  {"JIRA_FAILURE_THRESHOLD", "many"},
		"a time with a unit":                    {"JIRA_FAILURE_WINDOW", "60s"},
		"a time that is not a number":           {"JIRA_TRY_TIMEOUT", "NaN"},
		"an infinite time":                      {"JIRA_RECOVERY_TIMEOUT", "Inf"},
		"a flag that is none":                   {"JIRA_JITTER", "yes"},
		"an unknown strategy":                   {"JIRA_STRATEGY", "random"},
		"a threshold beyond its range":          {"JIRA_FAILURE_THRESHOLD", "101"},
		"a base delay above the cap":            {"JIRA_BASE_DELAY", "11"},
		"a back-off that shrinks":               {"JIRA_OPEN_BACK_OFF", "0.5"},
		"a back-off that is no number":          {"JIRA_OPEN_BACK_OFF", "NaN"},
		"more environments than failures":       {"JIRA_MIN_ENVIRONMENTS", "6"},
		"an opening for ever":                   {"JIRA_MAX_OPEN", "86401"},
		"reads neither first nor not":           {"JIRA_READ_FIRST", "yes"},
		"client errors neither counted nor not": {"COUNT_CLIENT_ERRORS", "1"},
		"an unknown authentication":             {"JIRA_AUTH", "digest"},
		"a site that is no URL":                 {"JIRA_BASE_URL", "site"},
		"credentials over plain http":           {"JIRA_BASE_URL", "http://site.example.com"},
		"a URL with credentials of its own":     {"JIRA_BASE_URL", "https://a:b@site.example.com"},
		"a URL with a query":                    {"JIRA_BASE_URL", "https://site.example.com?x=1"},
		"links that would point to the gateway": {"JIRA_BASE_URL", "https://api.atlassian.com/ex/jira/abc"},
		"a service's account at a site":         {"JIRA_AUTH", "client_credentials"},
		"a bearer at a site of the cloud":       {"JIRA_AUTH", "bearer"},
		"a confluence setting, for the monitor": {"CONFLUENCE_FAILURE_WINDOW", "x"},
		"a session that ends at once":           {"SESSION_TTL_DAYS", "0"},
		"a session's retries":                   {"SESSIONS_BASE_DELAY", "6"},
		"a local subject of two lines":          {"LOCAL_SUBJECT", "a\nb"},
		"a database's name":                     {"MONGODB_DATABASE", "a b"},
		"an unknown mode of access":             {"AUTH_MODE", "open"},
	} {
		t.Run(rule, func(t *testing.T) {
			load := func(getenv func(string) string) error { _, err := Jira(getenv); return err }
			switch {
			case strings.HasPrefix(c.name, "CONFLUENCE_"):
				load = func(getenv func(string) string) error { _, err := Monitor(getenv); return err }
			case !strings.HasPrefix(c.name, "JIRA_") && !strings.HasPrefix(c.name, "COUNT_"):
				load = func(getenv func(string) string) error {
					_, err := Sessions(func(name string) string {
						if value := getenv(name); name != "AUTH_MODE" || value != "" {
							return value
						}
						return "none"
					})
					return err
				}
			}
			err := load(environment(map[string]string{c.name: c.value}))
			prefix, _, _ := strings.Cut(c.name, "_")
			if err == nil || !strings.Contains(err.Error(), prefix+"_") || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "a:b") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	c, err := Jira(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	p := c.Protection
	if p.Retry.MaxAttempts != 3 || p.Retry.BaseDelay != time.Second || p.Retry.MaxDelay != 10*time.Second || !p.Retry.Jitter ||
		p.TryTimeout != 4*time.Second || p.Circuit.Name != "jira_api" || p.Circuit.ProbeTimeout != p.TryTimeout ||
		p.Circuit.FailureThreshold != 5 || p.Circuit.FailureWindow != time.Minute || p.Circuit.RecoveryTimeout != 30*time.Second || p.Circuit.SuccessThreshold != 2 {
		t.Errorf("got %+v", p)
	}
	if c.Auth != "basic" || c.SiteURL != c.BaseURL || c.CountClientErrors {
		t.Errorf("got %+v", c)
	}
	if budget := guard.Budget(p.Retry, p.TryTimeout); budget > HTTPLimit {
		t.Errorf("the default takes up to %s, more than a function behind an HTTP API has", budget)
	}
}

func TestCriticalIsWarnedOfOnce(t *testing.T) {
	for profile, lines := range map[string]int{"default": 0, "critical": 1} {
		c, err := Jira(environment(map[string]string{"JIRA_PROFILE": profile}))
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		c.Protection.WarnOfLength(slog.New(slog.NewJSONHandler(&log, nil)))
		if strings.Count(log.String(), "\n") != lines {
			t.Errorf("%s: %s", profile, &log)
		}
	}
}

func TestOverridesOfAProfile(t *testing.T) {
	c, err := Jira(environment(map[string]string{
		"JIRA_PROFILE": "high_traffic", "JIRA_MAX_ATTEMPTS": "1", "JIRA_BASE_DELAY": "0.5", "JIRA_MAX_DELAY": "2", "JIRA_STRATEGY": "fixed",
		"JIRA_JITTER": "false", "JIRA_TRY_TIMEOUT": "2.5", "JIRA_SUCCESS_THRESHOLD": "3", "COUNT_CLIENT_ERRORS": "true", "JIRA_AUTH": "bearer",
		"JIRA_BASE_URL": "https://api.atlassian.com/ex/jira/abc/", "JIRA_SITE_URL": "https://site.atlassian.net",
	}))
	if err != nil {
		t.Fatal(err)
	}
	p := c.Protection
	if p.Retry.MaxAttempts != 1 || p.Retry.BaseDelay != 500*time.Millisecond || p.Retry.MaxDelay != 2*time.Second || p.Retry.Strategy != "fixed" || p.Retry.Jitter ||
		p.TryTimeout != 2500*time.Millisecond || p.Circuit.FailureThreshold != 10 || p.Circuit.FailureWindow != 30*time.Second ||
		p.Circuit.RecoveryTimeout != 15*time.Second || p.Circuit.SuccessThreshold != 3 {
		t.Errorf("got %+v", p)
	}
	if !c.CountClientErrors || c.Auth != "bearer" || c.BaseURL.Path != "/ex/jira/abc" || c.SiteURL.Host != "site.atlassian.net" {
		t.Errorf("got %+v", c)
	}
}

func TestPlainHTTPIsForPrivateAddresses(t *testing.T) {
	for _, host := range []string{"127.0.0.1:8002", "localhost:8002", "172.17.0.1:8002", "[::1]:8002", "host.docker.internal:8002"} {
		if _, err := Jira(environment(map[string]string{"JIRA_BASE_URL": "http://" + host})); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestWhoIsTheLocalSubject(t *testing.T) {
	for rule, c := range map[string]struct {
		changes map[string]string
		want    string
	}{
		"nobody behind IAM, the default":       {nil, ""},
		"nobody behind JWT":                    {map[string]string{"AUTH_MODE": "jwt", "LOCAL_SUBJECT": "me"}, ""},
		"a name of its own without authorizer": {map[string]string{"AUTH_MODE": "none"}, "local-user"},
		"the one that is set":                  {map[string]string{"AUTH_MODE": "none", "LOCAL_SUBJECT": "me"}, "me"},
		"sam local runs no authorizer":         {map[string]string{"AUTH_MODE": "jwt", "AWS_SAM_LOCAL": "true"}, "local-user"},
	} {
		t.Run(rule, func(t *testing.T) {
			sessions, err := Sessions(environment(c.changes))
			if err != nil {
				t.Fatal(err)
			}
			jira, err := Jira(environment(c.changes))
			if err != nil {
				t.Fatal(err)
			}
			if sessions.LocalSubject != c.want || jira.LocalSubject != c.want {
				t.Errorf("got %q and %q", sessions.LocalSubject, jira.LocalSubject)
			}
		})
	}
}

func TestSessionsDefaults(t *testing.T) {
	c, err := Sessions(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	p := c.Protection
	if p.Retry.MaxAttempts != 3 || p.Retry.BaseDelay != 500*time.Millisecond || p.Retry.MaxDelay != 5*time.Second || !p.Retry.Jitter {
		t.Errorf("got %+v", p.Retry)
	}
	if budget := guard.Budget(p.Retry, p.TryTimeout); budget > HTTPLimit {
		t.Errorf("the default takes up to %s, more than a function behind an HTTP API has", budget)
	}
	if c.Database != "coldfuse" || c.TTL != 30*24*time.Hour {
		t.Errorf("got %+v", c)
	}
}

func TestWhatAConfluenceAddressMayLookLike(t *testing.T) {
	for given, want := range map[string]string{
		"https://site.atlassian.net":                     "https://site.atlassian.net",
		"https://site.atlassian.net/wiki":                "https://site.atlassian.net",
		"https://site.atlassian.net/wiki/":               "https://site.atlassian.net",
		"https://api.atlassian.com/ex/confluence/a":      "https://api.atlassian.com/ex/confluence/a",
		"https://api.atlassian.com/ex/confluence/a/wiki": "https://api.atlassian.com/ex/confluence/a",
	} {
		c, err := Confluence(environment(map[string]string{"CONFLUENCE_BASE_URL": given, "CONFLUENCE_SITE_URL": "https://site.atlassian.net/wiki"}))
		if err != nil || c.BaseURL.String() != want || c.SiteURL.String() != "https://site.atlassian.net" {
			t.Errorf("%s: got %v, %v, %v", given, c.BaseURL, c.SiteURL, err)
		}
	}
}

func TestMongoURI(t *testing.T) {
	const uri = "mongodb+srv://me:s3cret@cluster.example.com/?retryWrites=true"
	for rule, c := range map[string]struct {
		secret string
		fails  bool
	}{
		"a URI":                  {`{"uri":"` + uri + `"}`, false},
		"a secret without a URI": {`{"url":"` + uri + `"}`, true},
		"a URI of another kind":  {`{"uri":"https://me:s3cret@example.com"}`, true},
		"a bare URI":             {uri, true},
	} {
		t.Run(rule, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				fmt.Fprintf(w, `{"SecretString":%q}`, c.secret)
			}))
			defer server.Close()
			read := MongoURI(environment(map[string]string{
				"AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y",
			}), "mongodb")
			got, err := read(context.Background())
			if (err != nil) != c.fails || err == nil && got != uri {
				t.Errorf("got %v, %v", got, err)
			}
			if err != nil && (strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "mongodb")) {
				t.Errorf("the error names the secret and shows nothing of it: %v", err)
			}
		})
	}
}

// Connectors and monitor run with the same circuit settings, or the monitor
// would show what is not so.
func TestConnectorAndMonitorAgree(t *testing.T) {
	for _, changes := range []map[string]string{
		nil,
		{"JIRA_PROFILE": "high_traffic"},
		{"JIRA_OPEN_BACK_OFF": "2", "JIRA_MAX_OPEN": "600", "JIRA_MIN_ENVIRONMENTS": "2", "JIRA_READ_FIRST": "true"},
		{"JIRA_PROFILE": "critical", "JIRA_FAILURE_THRESHOLD": "7", "JIRA_FAILURE_WINDOW": "90", "JIRA_RECOVERY_TIMEOUT": "45", "JIRA_SUCCESS_THRESHOLD": "1", "JIRA_TRY_TIMEOUT": "9"},
	} {
		getenv := environment(changes)
		connector, err := Jira(getenv)
		if err != nil {
			t.Fatal(err)
		}
		monitor, err := Monitor(getenv)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(connector.Protection.Circuit, monitor.Circuits[0]) || monitor.Circuits[1].Name != "confluence_api" {
			t.Errorf("connector %+v, monitor %+v", connector.Protection.Circuit, monitor.Circuits)
		}
	}
}

func TestCredentials(t *testing.T) {
	for rule, c := range map[string]struct {
		status int
		body   string
		fails  bool
	}{
		"email and token":              {200, `{"SecretString":"{\"email\":\"me@example.com\",\"token\":\"s3cret\"}"}`, false},
		"a secret that is no JSON":     {200, `{"SecretString":"s3cret"}`, true},
		"a secret without a token":     {200, `{"SecretString":"{\"email\":\"s3cret\"}"}`, true},
		"a secret that is not text":    {200, `{"SecretBinary":"czNjcmV0"}`, true},
		"a secret that does not exist": {400, `{"__type":"ResourceNotFoundException"}`, true},
	} {
		t.Run(rule, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer server.Close()
			read := Credentials(environment(map[string]string{
				"AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y",
			}), "jira", atlassian.Basic)
			keys, err := read(context.Background())
			if (err != nil) != c.fails || err == nil && (keys.Email != "me@example.com" || keys.Token != "s3cret") {
				t.Errorf("got %v, %v", keys, err)
			}
			if err != nil && (strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "jira")) {
				t.Errorf("the error names the secret and shows nothing of it: %v", err)
			}
			if shown := fmt.Sprintf("%v %+v %#v", keys, keys, keys); strings.Contains(shown, "s3cret") {
				t.Errorf("credentials show themselves: %s", shown)
			}
		})
	}
}
