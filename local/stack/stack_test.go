package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/apicheck"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/local/wait"
)

const (
	root   = "../.."
	search = `{"jql":"project = OPS","limit":3}`
)

// quick makes a failing call take a tenth of a second.
func quick(more ...string) map[string]string {
	parameters := map[string]string{"JiraBaseDelay": "0.02", "JiraMaxDelay": "0.05", "JiraTryTimeout": "1"}
	for i := 0; i < len(more); i += 2 {
		parameters[more[i]] = more[i+1]
	}
	return parameters
}

// newStack starts a stack whose every answer must be the test has a template of its own.
func newStack(t *testing.T, c Config) *Stack {
	t.Helper()
	checker, err := apicheck.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	watch := c.Front
	c.Front = func(api http.Handler) http.Handler {
		if watch != nil {
			api = watch(api)
		}
		if c.Template != "" {
			return api
		}
		return checker.Wrap(api, func(err error) { t.Error(err) })
	}
	c.Root, c.SearchLag = root, atlassiansim.NoLag
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func send(t *testing.T, s *Stack, method, path, body string) (int, string) {
	t.Helper()
	status, answer, err := request(t.Context(), s, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

func request(ctx context.Context, s *Stack, method, path, body string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.URL+"/api/v1"+path, bytes.NewBufferString(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	return exchange(r)
}

func exchange(r *http.Request) (int, string, error) {
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

func wantStatus(t *testing.T, s *Stack, method, path, body string, want int) {
	t.Helper()
	if status, answer := send(t, s, method, path, body); status != want {
		t.Errorf("%s %s: got %d %s, want %d", method, path, status, answer, want)
	}
}

func circuitState(t *testing.T, s *Stack) string {
	t.Helper()
	state, _, err := readCircuit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// readCircuit is what the monitor says.
func readCircuit(ctx context.Context, s *Stack) (state string, failures int, err error) {
	_, answer, err := request(ctx, s, "GET", "/resilience/circuit-breakers/jira_api", "")
	if err != nil {
		return "", 0, err
	}
	var stats struct {
		State        string
		FailureCount int `json:"failure_count"`
	}
	err = json.Unmarshal([]byte(answer), &stats)
	return stats.State, stats.FailureCount, err
}

func setJira(t *testing.T, s *Stack, f atlassiansim.Fault) {
	t.Helper()
	if err := s.Jira.Set(f); err != nil {
		t.Fatal(err)
	}
}

func setStore(t *testing.T, s *Stack, f storeproxy.Fault) {
	t.Helper()
	if err := s.Store.Set(f); err != nil {
		t.Fatal(err)
	}
}

func TestClientErrorsCountOnlyWhenAsked(t *testing.T) {
	cases := []struct{ count, state string }{{"false", "closed"}, {"true", "open"}}
	for _, c := range cases {
		t.Run("count "+c.count, func(t *testing.T) {
			s := newStack(t, Config{Parameters: quick("CountClientErrors", c.count)})
			for range 5 {
				wantStatus(t, s, "POST", "/jira/search", `{"jql":"invalid jql that will fail"}`, 400)
			}
			send(t, s, "POST", "/jira/search", `{"jql":"invalid jql that will fail"}`)
			if state := circuitState(t, s); state != c.state {
				t.Errorf("circuit is %s, want %s", state, c.state)
			}
		})
	}
}

func TestAQuotaThatIsUsedUpStopsTheFleet(t *testing.T) {
	s := newStack(t, Config{Parameters: quick()})
	setJira(t, s, atlassiansim.Fault{Kind: atlassiansim.Status, Status: 429, RetryAfter: "600", RateLimitReason: "jira-quota-global-based", Times: 1})
	if status, answer := send(t, s, "POST", "/jira/search", search); status != 503 || !strings.Contains(answer, `"reason":"jira-quota-global-based"`) {
		t.Fatalf("the call that is told: %d %s", status, answer)
	}
	if state := circuitState(t, s); state != "open" {
		t.Errorf("the circuit is %s", state)
	}
	s.Kill()
	status, answer := send(t, s, "POST", "/jira/search", search)
	if status != 503 || !strings.Contains(answer, "circuit-open") || !strings.Contains(answer, `"retry_after_seconds":`) || len(s.Jira.Log()) != 1 {
		t.Errorf("a cold environment: %d %s, %d requests", status, answer, len(s.Jira.Log()))
	}
}

func TestAnOverrideHoldsForEveryEnvironment(t *testing.T) {
	s := newStack(t, Config{Parameters: quick()})
	wantStatus(t, s, "POST", "/jira/search", search, 200)
	const path = "/resilience/circuit-breakers/jira_api/override"
	operator := signing(s.AccessKeys, "operator")
	wantStatus(t, s, "PUT", path, `{"mode":"open","why":"x","ttl_seconds":60}`, 403)
	if status, answer := sendAs(t, s, operator, "PUT", path, `{"mode":"open","why":"maintenance","ttl_seconds":60}`); status != 200 {
		t.Fatalf("overriding: %d %s", status, answer)
	}
	rejected := func() bool {
		status, answer := send(t, s, "POST", "/jira/search", search)
		return status == 503 && strings.Contains(answer, "circuit-open")
	}
	if err := wait.For(t.Context(), 3*time.Second, "the override is obeyed", rejected); err != nil {
		t.Error(err)
	}
	s.Kill()
	if !rejected() {
		t.Error("a cold environment does not obey")
	}
	if status, answer := sendAs(t, s, operator, "DELETE", path, ""); status != 204 {
		t.Fatalf("clearing: %d %s", status, answer)
	}
	if err := wait.For(t.Context(), 3*time.Second, "calls pass again", func() bool { return !rejected() }); err != nil {
		t.Error(err)
	}
}

func TestAColdEnvironmentRejectsThoughConnectingIsSlow(t *testing.T) {
	s := newStack(t, Config{Parameters: quick("JiraFailureThreshold", "1", "JiraRecoveryTimeout", "600")})
	setJira(t, s, atlassiansim.Fault{Kind: atlassiansim.Down})
	wantStatus(t, s, "POST", "/jira/search", search, 503)
	if state := circuitState(t, s); state != "open" {
		t.Fatalf("circuit is %s, want open", state)
	}
	s.Kill()
	before := len(s.Jira.Log())
	setStore(t, s, storeproxy.Fault{Mode: storeproxy.DelayConnect, Delay: 250 * time.Millisecond})
	status, answer := send(t, s, "POST", "/jira/search", search)
	if status != 503 || !strings.Contains(answer, `"circuit":"jira_api"`) {
		t.Errorf("got %d %s, want a rejection", status, answer)
	}
	if got := len(s.Jira.Log()) - before; got != 0 {
		t.Errorf("%d requests reached Jira, want none", got)
	}
}

func TestCallsAreServedWithoutTheStore(t *testing.T) {
	s := newStack(t, Config{Parameters: quick()})
	cases := []struct {
		rule string
		mode storeproxy.Mode
		cold bool
		most time.Duration // what the first call may take
	}{
		{"refused in traffic", storeproxy.Refuse, false, time.Second},
		{"hanging in traffic", storeproxy.Hang, false, time.Second},
		{"refused at a cold start", storeproxy.Refuse, true, 2 * time.Second},
		{"hanging at a cold start", storeproxy.Hang, true, 3 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			setStore(t, s, storeproxy.Fault{})
			s.Kill()
			if !c.cold {
				wantStatus(t, s, "POST", "/jira/search", search, 200)
			}
			setStore(t, s, storeproxy.Fault{Mode: c.mode})
			told := len(s.Log.Lines("Circuit store unreachable", `"StoreLost":1`))
			start := time.Now()
			wantStatus(t, s, "POST", "/jira/search", search, 200)
			if took := time.Since(start); took > c.most {
				t.Errorf("took %s, want at most %s", took, c.most)
			}
			// Every call is served, by an environment that says once that it
			// decides alone.
			noticed := func() bool {
				wantStatus(t, s, "POST", "/jira/search", search, 200)
				return s.Log.Count("Circuit store unreachable") > told
			}
			if err := wait.For(t.Context(), 5*time.Second, "the loss is noticed", noticed); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				wantStatus(t, s, "POST", "/jira/search", search, 200)
			}
			times := map[string]int{}
			for _, line := range s.Log.Lines("Circuit store unreachable", `"StoreLost":1`)[told:] {
				if times[line.Environment]++; times[line.Environment] > 1 {
					t.Errorf("%s told it again", line.Environment)
				}
			}
		})
	}
}

func TestARotatedSecretNeedsNoDeployment(t *testing.T) {
	s := newStack(t, Config{Parameters: quick()})
	wantStatus(t, s, "POST", "/jira/search", search, 200)
	s.Jira.Rotate(atlassiansim.Credentials{Email: atlassiansim.DefaultEmail, Token: "rotated"})
	s.Secrets.Put(jiraSecret, `{"email":"`+atlassiansim.DefaultEmail+`","token":"rotated"}`)
	wantStatus(t, s, "POST", "/jira/search", search, 200)
	if got := s.Secrets.Reads(); got != 2 {
		t.Errorf("the secret was read %d times, want at the start and once more", got)
	}
}

func writeTemplate(t *testing.T, src string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheAPIIsWhatTheTemplateSays(t *testing.T) {
	src, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(src), "POST /api/v1/jira/search", "PUT /api/v1/jira/find", 1)
	edited = strings.Replace(edited, "AuthorizationType: NONE", "AuthorizationType: JWT\n      AuthorizerId: !Ref JwtAuthorizer", 1)
	edited = strings.Replace(edited, "Condition: UsesJwt", "", 1)
	s := newStack(t, Config{Template: writeTemplate(t, edited), Parameters: quick("MonitoringAccess", "iam", "ApiRateLimit", "1", "ApiBurstLimit", "2")})
	steps := []struct {
		rule, method, path string
		want               int
	}{
		{"the old route is gone", "POST", "/jira/search", 404},
		{"the new one leads to the function, which does not know it", "PUT", "/jira/find", 404},
		{"health asks for a token now", "GET", "/resilience/health", 401},
		{"a parameter closes the rest of the monitor", "GET", "/resilience/summary", 403},
		{"a route's burst passes", "GET", "/jira/server-info", 200},
		{"up to its last", "GET", "/jira/server-info", 200},
		{"and no further", "GET", "/jira/server-info", 429},
	}
	for _, step := range steps {
		if status, answer := send(t, s, step.method, step.path, ""); status != step.want {
			t.Errorf("%s: got %d %s, want %d", step.rule, status, answer, step.want)
		}
	}
	if _, answer := send(t, s, "PUT", "/jira/find", ""); !strings.Contains(answer, "instance") {
		t.Errorf("got %s, want the function's own 404", answer)
	}
}

func TestAFunctionThatRefusesToStartIsQuoted(t *testing.T) {
	src, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := writeTemplate(t, strings.Replace(string(src), "JIRA_SECRET_ID:", "JIRA_SECRET:", 1))
	_, err = Start(t.Context(), Config{Root: root, Template: file, Warm: 1})
	if err == nil || !strings.Contains(err.Error(), "JIRA_SECRET_ID is missing") {
		t.Errorf("got %v", err)
	}
}

func TestAPortInUseIsNamedBeforeAnythingIsBuilt(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var progress bytes.Buffer
	_, err = Start(t.Context(), Config{Root: root, Listen: taken.Addr().String(), Progress: &progress})
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()+" is in use") {
		t.Errorf("got %v", err)
	}
	if progress.Len() > 0 {
		t.Errorf("made progress: %s", &progress)
	}
}

func TestTheAdminAddressListsAndKills(t *testing.T) {
	s := newStack(t, Config{Parameters: quick(), Warm: 1})
	admin := func(method, path string) string { return callAdmin(t, s, method, path, "") }
	for _, want := range []string{`"JiraFunction-1"`, `"ResilienceFunction-1"`} {
		if got := admin("GET", "/environments"); !strings.Contains(got, want) {
			t.Errorf("environments: %s, want %s", got, want)
		}
	}
	if got := admin("POST", "/environments/kill?id=JiraFunction-1"); !strings.Contains(got, `"killed": 1`) {
		t.Errorf("kill: %s", got)
	}
	if got := admin("GET", "/environments"); strings.Contains(got, "JiraFunction-1") {
		t.Errorf("environments after the kill: %s", got)
	}
	if got := admin("GET", "/logs?contains=killed"); !strings.Contains(got, "[JiraFunction-1]") {
		t.Errorf("logs: %s", got)
	}
	if got := admin("GET", "/store/faults"); !strings.Contains(got, `"mode":""`) {
		t.Errorf("store faults: %s", got)
	}
	if got := admin("GET", "/token/alice"); strings.Count(got, ".") != 2 {
		t.Errorf("token: %s", got)
	}
	if got := admin("GET", "/access-key/alice"); !strings.HasPrefix(got, "AKIA") {
		t.Errorf("access key: %s", got)
	}
	if got := admin("GET", "/"); got != adminHelp {
		t.Errorf("help: %s", got)
	}
}
