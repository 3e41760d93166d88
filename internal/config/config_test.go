package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
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

func TestAllMissingVariablesAreNamedOnOneLine(t *testing.T) {
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

// load reads the configuration that has the variable.
func load(name string, getenv func(string) string) error {
	var err error
	switch prefix, _, _ := strings.Cut(name, "_"); prefix {
	case "CONFLUENCE": // which the monitor reads last
		_, err = Monitor(getenv)
	case "SESSION", "SESSIONS", "MONGODB", "LOCAL", "AUTH":
		_, err = Sessions(getenv)
	default:
		_, err = Jira(getenv)
	}
	return err
}

func TestAnInvalidValueNamesItsVariable(t *testing.T) {
	for rule, c := range map[string]struct{ name, value, want string }{
		"an unknown profile":                    {"JIRA_PROFILE", "eager", `JIRA_PROFILE "eager": want default or high_traffic or critical or database`},
		"sessions is no profile with a circuit": {"JIRA_PROFILE", "sessions", `JIRA_PROFILE "sessions": want `},
		"a negative count":                      {"JIRA_MAX_ATTEMPTS", "-1", `JIRA_MAX_ATTEMPTS "-1": want 0 to 20`},
		"more retries than a call is worth":     {"JIRA_MAX_ATTEMPTS", "21", `JIRA_MAX_ATTEMPTS "21": want 0 to 20`},
		"a count that is no number":             {"JIRA_FAILURE_THRESHOLD", "many", `JIRA_FAILURE_THRESHOLD "many": want 1 to 100`},
		"a threshold of none":                   {"JIRA_FAILURE_THRESHOLD", "0", `JIRA_FAILURE_THRESHOLD "0": want 1 to 100`},
		"a threshold beyond its range":          {"JIRA_FAILURE_THRESHOLD", "101", `JIRA_FAILURE_THRESHOLD "101": want 1 to 100`},
		"a count with a zero in front":          {"JIRA_SUCCESS_THRESHOLD", "02", `JIRA_SUCCESS_THRESHOLD "02": want 1 to 100`},
		"a time with a unit":                    {"JIRA_FAILURE_WINDOW", "60s", `JIRA_FAILURE_WINDOW "60s": want 1 to 3600 seconds`},
		"a time with an exponent":               {"JIRA_FAILURE_WINDOW", "6e1", `JIRA_FAILURE_WINDOW "6e1": want 1 to 3600 seconds`},
		"a time that is not a number":           {"JIRA_TRY_TIMEOUT", "NaN", `JIRA_TRY_TIMEOUT "NaN": want 0.01 to 898 seconds`},
		"an infinite time":                      {"JIRA_RECOVERY_TIMEOUT", "Inf", `JIRA_RECOVERY_TIMEOUT "Inf": want 0.1 to 3600 seconds`},
		"a recovery of a day":                   {"JIRA_RECOVERY_TIMEOUT", "86400", `JIRA_RECOVERY_TIMEOUT "86400": want 0.1 to 3600 seconds`},
		"a part of a millisecond":               {"JIRA_RECOVERY_TIMEOUT", "0.1001", `JIRA_RECOVERY_TIMEOUT "0.1001": want `},
		"a flag that is neither true nor false": {"JIRA_JITTER", "yes", `JIRA_JITTER "yes": want true or false`},
		"an unknown strategy":                   {"JIRA_STRATEGY", "random", `JIRA_STRATEGY "random": want exponential or fixed`},
		"a base delay above the cap":            {"JIRA_BASE_DELAY", "11", `JIRA_BASE_DELAY "11": want 0 to 10 seconds`},
		"a cap below the base delay":            {"JIRA_MAX_DELAY", "0.5", `JIRA_BASE_DELAY "1": want 0 to 0.5 seconds`},
		"a back-off that shrinks":               {"JIRA_OPEN_BACK_OFF", "0.5", `JIRA_OPEN_BACK_OFF "0.5": want 1 to 10`},
		"a back-off that is no number":          {"JIRA_OPEN_BACK_OFF", "NaN", `JIRA_OPEN_BACK_OFF "NaN": want 1 to 10`},
		"more environments than failures":       {"JIRA_MIN_ENVIRONMENTS", "6", `JIRA_MIN_ENVIRONMENTS "6": want 1 to 5`},
		"fewer failures than environments":      {"JIRA_MIN_ENVIRONMENTS", "51", `JIRA_MIN_ENVIRONMENTS "51": want 1 to 5`},
		"an opening for ever":                   {"JIRA_MAX_OPEN", "86401", `JIRA_MAX_OPEN "86401": want 30 to 86400 seconds`},
		"an opening shorter than the first":     {"JIRA_MAX_OPEN", "29", `JIRA_MAX_OPEN "29": want 30 to 86400 seconds`},
		"a rate of nearly all calls":            {"JIRA_FAILURE_RATE", "91", `JIRA_FAILURE_RATE "91": want 0 to 90 per cent`},
		"a rate that is no number":              {"JIRA_FAILURE_RATE", "a fifth", `JIRA_FAILURE_RATE "a fifth": want 0 to 90 per cent`},
		"slow calls beyond their limit":         {"JIRA_SLOW_CALL", "4.001", `JIRA_SLOW_CALL "4.001": want 0 to 4 seconds`},
		"a ramp of an hour":                     {"JIRA_RECOVERY_RAMP", "3600", `JIRA_RECOVERY_RAMP "3600": want 0 to 600 seconds`},
		"reads neither first nor not":           {"JIRA_READ_FIRST", "yes", `JIRA_READ_FIRST "yes": want true or false`},
		"a try that leaves no time for a probe": {"JIRA_TRY_TIMEOUT", "27.751", "JIRA_TRY_TIMEOUT: want no more than 27.75, or no probe fits JIRA_FUNCTION_TIMEOUT, 29"},
		"a function too short for a probe":      {"JIRA_FUNCTION_TIMEOUT", "5", "JIRA_TRY_TIMEOUT: want no more than 3.75, or no probe fits JIRA_FUNCTION_TIMEOUT, 5"},
		"a function that Lambda would stop":     {"JIRA_FUNCTION_TIMEOUT", "901", `JIRA_FUNCTION_TIMEOUT "901": want 5 to 900`},
		"client errors neither counted nor not": {"COUNT_CLIENT_ERRORS", "1", `COUNT_CLIENT_ERRORS "1": want true or false`},
		"an unknown authentication":             {"JIRA_AUTH", "digest", `JIRA_AUTH "digest": want `},
		"a site that is no URL":                 {"JIRA_BASE_URL", "site", "JIRA_BASE_URL: want an https URL"},
		"credentials over plain http":           {"JIRA_BASE_URL", "http://site.example.com", "JIRA_BASE_URL: want https, "},
		"a URL with credentials of its own":     {"JIRA_BASE_URL", "https://a:b@site.example.com", "JIRA_BASE_URL: want a URL without user"},
		"a URL with a query":                    {"JIRA_BASE_URL", "https://site.example.com?x=1", "JIRA_BASE_URL: want a URL without user"},
		"links that would point to the gateway": {"JIRA_BASE_URL", "https://api.atlassian.com/ex/jira/abc", "JIRA_SITE_URL is missing"},
		"a service's account at a site":         {"JIRA_AUTH", "client_credentials", "JIRA_BASE_URL: client_credentials needs"},
		"a bearer at a site of the cloud":       {"JIRA_AUTH", "bearer", "JIRA_BASE_URL: bearer needs"},
		"a confluence setting, for the monitor": {"CONFLUENCE_FAILURE_WINDOW", "x", `CONFLUENCE_FAILURE_WINDOW "x": want 1 to 3600 seconds`},
		"a try of confluence, for the monitor":  {"CONFLUENCE_TRY_TIMEOUT", "28", "CONFLUENCE_TRY_TIMEOUT: want no more than 27.75"},
		"a session that ends at once":           {"SESSION_TTL_DAYS", "0", `SESSION_TTL_DAYS "0": want 1 to 3650`},
		"a session's retries":                   {"SESSIONS_BASE_DELAY", "6", `SESSIONS_BASE_DELAY "6": want 0 to 5 seconds`},
		"a session's try without end":           {"SESSIONS_TRY_TIMEOUT", "28.001", `SESSIONS_TRY_TIMEOUT "28.001": want 0.01 to 28 seconds`},
		"a local subject of two lines":          {"LOCAL_SUBJECT", "a\nb", "LOCAL_SUBJECT: want at most 63"},
		"a database's name":                     {"MONGODB_DATABASE", "a b", "MONGODB_DATABASE: want at most 63"},
		"an unknown mode of access":             {"AUTH_MODE", "open", `AUTH_MODE "open": want iam or jwt or none`},
	} {
		t.Run(rule, func(t *testing.T) {
			changes := map[string]string{c.name: c.value}
			if c.name == "LOCAL_SUBJECT" {
				changes["AUTH_MODE"] = "none"
			}
			err := load(c.name, environment(changes))
			if err == nil || !strings.HasPrefix(err.Error(), "configuration: "+c.want) {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			if text := err.Error(); strings.ContainsAny(text, ";\n") || strings.Contains(text, "a:b") {
				t.Errorf("one fault is one complaint, on one line, without secrets: %v", err)
			}
		})
	}
}

func TestEachFaultIsReportedOnce(t *testing.T) {
	_, err := Jira(environment(map[string]string{
		"JIRA_FAILURE_THRESHOLD": "0", "JIRA_MIN_ENVIRONMENTS": "6", "JIRA_RECOVERY_TIMEOUT": "7200", "JIRA_MAX_OPEN": "10", "JIRA_MAX_DELAY": "x", "JIRA_BASE_DELAY": "20",
	}))
	const want = `configuration: JIRA_MAX_DELAY "x": want 0 to 900 seconds; ` +
		`JIRA_FAILURE_THRESHOLD "0": want 1 to 100; JIRA_RECOVERY_TIMEOUT "7200": want 0.1 to 3600 seconds`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Every bound of the circuit and of the retries is reached through its variable.
func TestRangesAreThoseOfTheCircuitAndTheRetries(t *testing.T) {
	valid := func(p Protection) error { return errors.Join(p.Circuit.Validate(), p.Retry.Validate()) }
	for name, c := range map[string]struct {
		low, high, below, above string
		with                    map[string]string
		set                     func(*Protection, float64)
	}{
		"MAX_ATTEMPTS":      {"0", "20", "-1", "21", nil, func(p *Protection, v float64) { p.Retry.MaxRetries = int(v) }},
		"BASE_DELAY":        {"0", "900", "-0.001", "900.001", map[string]string{"MAX_DELAY": "900"}, func(p *Protection, v float64) { p.Retry.BaseDelay = span(v) }},
		"MAX_DELAY":         {"0", "900", "-0.001", "900.001", map[string]string{"BASE_DELAY": "0"}, func(p *Protection, v float64) { p.Retry.MaxDelay = span(v) }},
		"FAILURE_THRESHOLD": {"1", "100", "0", "101", nil, func(p *Protection, v float64) { p.Circuit.FailureThreshold = int(v) }},
		"FAILURE_WINDOW":    {"1", "3600", "0.999", "3600.001", nil, func(p *Protection, v float64) { p.Circuit.FailureWindow = span(v) }},
		"RECOVERY_TIMEOUT":  {"0.1", "3600", "0.099", "3600.001", map[string]string{"MAX_OPEN": "86400"}, func(p *Protection, v float64) { p.Circuit.RecoveryTimeout = span(v) }},
		"SUCCESS_THRESHOLD": {"1", "100", "0", "101", nil, func(p *Protection, v float64) { p.Circuit.SuccessThreshold = int(v) }},
		"OPEN_BACK_OFF":     {"1", "10", "0.999", "10.001", nil, func(p *Protection, v float64) { p.Circuit.OpenBackOff = v }},
		"MAX_OPEN":          {"0.1", "86400", "0.099", "86400.001", map[string]string{"RECOVERY_TIMEOUT": "0.1"}, func(p *Protection, v float64) { p.Circuit.MaxOpen = span(v) }},
		"MIN_ENVIRONMENTS":  {"1", "50", "0", "51", map[string]string{"FAILURE_THRESHOLD": "50"}, func(p *Protection, v float64) { p.Circuit.MinEnvironments = int(v) }},
	} {
		t.Run(name, func(t *testing.T) {
			read := func(value string) (Protection, error) {
				changes := map[string]string{"JIRA_" + name: value}
				for other, v := range c.with {
					changes["JIRA_"+other] = v
				}
				read, err := Jira(environment(changes))
				return read.Protection, err
			}
			for _, value := range []string{c.low, c.high} {
				p, err := read(value)
				if err := errors.Join(err, valid(p)); err != nil {
					t.Errorf("%s: %v", value, err)
				}
			}
			for _, value := range []string{c.below, c.above} {
				if _, err := read(value); err == nil {
					t.Errorf("%s is admitted", value)
				}
				p, _ := read(c.low)
				number, err := strconv.ParseFloat(value, 64)
				if err != nil {
					t.Fatal(err)
				}
				if c.set(&p, number); valid(p) == nil {
					t.Errorf("%s is rejected, and could be had", value)
				}
			}
		})
	}
	for n := 1; n <= 60; n++ {
		for threshold := 1; threshold <= 100; threshold++ {
			p, err := Jira(environment(map[string]string{"JIRA_MIN_ENVIRONMENTS": strconv.Itoa(n), "JIRA_FAILURE_THRESHOLD": strconv.Itoa(threshold)}))
			want := p.Protection.Circuit
			want.MinEnvironments, want.FailureThreshold = n, threshold
			if (err == nil) != (want.Validate() == nil) {
				t.Fatalf("%d of %d: got %v, the circuit says %v", n, threshold, err, want.Validate())
			}
		}
	}
}

func span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

func TestDefaults(t *testing.T) {
	c, err := Jira(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	p := c.Protection
	if p.Retry.MaxRetries != 3 || p.Retry.BaseDelay != time.Second || p.Retry.MaxDelay != 10*time.Second || !p.Retry.Jitter ||
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

func TestAnOversizedRetryBudgetIsLoggedOnce(t *testing.T) {
	for rule, c := range map[string]struct {
		profile, function string
		level, limit      string // of the one line, if any
	}{
		"the default fits": {"default", "", "", ""},
		"critical does not fit the function's timeout":  {"critical", "", "ERROR", `"limit_s":29`},
		"nor one that is not long enough":               {"critical", "93", "ERROR", `"limit_s":93`},
		"critical fits direct invocation, and not HTTP": {"critical", "94", "WARN", `"limit_s":29`},
		"the default does not fit a short function":     {"default", "26", "ERROR", `"limit_s":26`},
		"a long function changes nothing for what fits": {"default", "900", "", ""},
	} {
		t.Run(rule, func(t *testing.T) {
			read, err := Jira(environment(map[string]string{"JIRA_PROFILE": c.profile, "JIRA_FUNCTION_TIMEOUT": c.function}))
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			read.Protection.WarnOfLength(slog.New(slog.NewJSONHandler(&log, nil)))
			if c.level == "" && log.Len() > 0 || strings.Count(log.String(), "\n") != min(len(c.level), 1) ||
				!strings.Contains(log.String(), c.level) || !strings.Contains(log.String(), c.limit) {
				t.Errorf("got %s", &log)
			}
		})
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
	if p.Retry.MaxRetries != 1 || p.Retry.BaseDelay != 500*time.Millisecond || p.Retry.MaxDelay != 2*time.Second || p.Retry.Strategy != "fixed" || p.Retry.Jitter ||
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

func TestLocalSubject(t *testing.T) {
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
	if p.Retry.MaxRetries != 3 || p.Retry.BaseDelay != 500*time.Millisecond || p.Retry.MaxDelay != 5*time.Second || !p.Retry.Jitter {
		t.Errorf("got %+v", p.Retry)
	}
	if budget := guard.Budget(p.Retry, p.TryTimeout); budget > HTTPLimit {
		t.Errorf("the default takes up to %s, more than a function behind an HTTP API has", budget)
	}
	if c.Database != "coldfuse" || c.TTL != 30*24*time.Hour {
		t.Errorf("got %+v", c)
	}
}

func TestConfluenceAddresses(t *testing.T) {
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
		{"JIRA_FAILURE_RATE": "50", "JIRA_SLOW_CALL": "3", "JIRA_RECOVERY_RAMP": "20"},
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
