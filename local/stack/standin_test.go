package stack

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coldfuse/coldfuse/internal/testserver/mongolocal"
)

// callAdmin asks the admin server.
func callAdmin(t *testing.T, s *Stack, method, path, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.AdminURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_, answer, err := exchange(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// Each way to authenticate works against the simulators, through the gateway
// where Atlassian wants it so.
func TestEveryAuthenticationReachesTheSimulators(t *testing.T) {
	for _, auth := range []string{"basic", "bearer", "client_credentials"} {
		t.Run(auth, func(t *testing.T) {
			s := newStack(t, Config{Parameters: quick("JiraAuth", auth, "ConfluenceAuth", auth)})
			wantStatus(t, s, "POST", "/jira/search", search, 200)
			if _, answer := send(t, s, "GET", "/jira/issues/OPS-1", ""); !strings.Contains(answer, `"url":"`+s.JiraURL+`/browse/OPS-1"`) {
				t.Errorf("got %s, want links to the site", answer)
			}
			wantStatus(t, s, "GET", "/confluence/spaces", "", 200)
		})
	}
}

func TestWhatFunctionsCallIsWhereContainersReachIt(t *testing.T) {
	const host = "127.0.0.2"
	s := newStack(t, Config{Bind: host, Parameters: quick()})
	wantStatus(t, s, "POST", "/jira/search", search, 200)
	wantStatus(t, s, "GET", "/confluence/spaces", "", 200)
	wantStatus(t, s, "PUT", "/sessions/tea", "", 201)
	var functions map[string]map[string]string
	if err := json.Unmarshal([]byte(callAdmin(t, s, "GET", "/sam-env", "")), &functions); err != nil {
		t.Fatal(err)
	}
	for function, names := range map[string][]string{
		"JiraFunction":       {"JIRA_BASE_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER"},
		"ConfluenceFunction": {"CONFLUENCE_BASE_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER"},
		"SessionsFunction":   {"AWS_ENDPOINT_URL_SECRETS_MANAGER"},
	} {
		for _, name := range names {
			if got := functions[function][name]; !strings.HasPrefix(got, "http://"+host+":") {
				t.Errorf("%s of %s is %q, want one on %s", name, function, got, host)
			}
		}
	}
	if !strings.HasPrefix(s.URL, "http://127.0.0.1:") || !strings.HasPrefix(s.AdminURL, "http://127.0.0.1:") {
		t.Errorf("API and admin are at %s and %s, want both on this machine only", s.URL, s.AdminURL)
	}
}

func TestTheFrontSeesWhatPasses(t *testing.T) {
	var seen atomic.Int32
	s := newStack(t, Config{Parameters: quick(), Front: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen.Add(1)
			next.ServeHTTP(w, r)
		})
	}})
	wantStatus(t, s, "GET", "/resilience/health", "", 200)
	wantStatus(t, s, "GET", "/nowhere", "", 404)
	if got := seen.Load(); got != 2 {
		t.Errorf("saw %d requests, want 2", got)
	}
}

func TestMongoDBFailsOnDemand(t *testing.T) {
	s := newStack(t, Config{Parameters: quick("SessionsBaseDelay", "0.02", "SessionsMaxDelay", "0.05")})
	wantStatus(t, s, "PUT", "/sessions/tea", "", 201)
	if answer := callAdmin(t, s, "PUT", "/mongo/faults", `{"mode":"refuse"}`); !strings.Contains(answer, "refuse") {
		t.Fatal(answer)
	}
	if status, answer := send(t, s, "GET", "/sessions/tea", ""); status != 503 {
		t.Errorf("got %d %s, want 503", status, answer)
	}
	if answer := callAdmin(t, s, "DELETE", "/mongo/faults", ""); !strings.Contains(answer, "mode") {
		t.Fatal(answer)
	}
	wantStatus(t, s, "GET", "/sessions/tea", "", 200)
	if answer := callAdmin(t, s, "PUT", "/mongo/faults", `{"mode":"cut_after","command":"find","times":1}`); !strings.Contains(answer, "find") {
		t.Fatal(answer)
	}
	wantStatus(t, s, "GET", "/sessions/tea", "", 200) // a lost answer is asked for again
	if err := s.MongoDB.Set(mongolocal.Fault{}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`{"mode":"x"}`, `{"modes":"hang"}`, ``} {
		if answer := callAdmin(t, s, "PUT", "/mongo/faults", bad); strings.HasPrefix(answer, "{") {
			t.Errorf("%q is taken", bad)
		}
	}
	var counts map[string]int
	if err := json.Unmarshal([]byte(callAdmin(t, s, "GET", "/mongo/counts", "")), &counts); err != nil || counts["find"] < 2 {
		t.Errorf("counts %v, %v", counts, err)
	}
}
