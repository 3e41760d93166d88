package template

import (
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// project parses the template that is deployed.
func project(t *testing.T, parameters map[string]string) *Template {
	t.Helper()
	src, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const site = "https://example.atlassian.net"
	all := map[string]string{
		"JiraBaseUrl": site, "JiraSecretArn": "arn", "ConfluenceBaseUrl": site, "ConfluenceSecretArn": "arn", "MongodbSecretArn": "arn",
	}
	maps.Copy(all, parameters)
	return parse(t, string(src), Options{Parameters: all})
}

func TestAccessFollowsTheParameters(t *testing.T) {
	const health = "/api/v1/resilience/health"
	jwt := map[string]string{"JwtIssuer": "https://issuer", "JwtAudience": "audience"}
	for _, monitoring := range []string{"open", "iam", "jwt"} {
		for _, auth := range []string{"none", "iam", "jwt"} {
			t.Run(monitoring+" and "+auth, func(t *testing.T) {
				parameters := map[string]string{"MonitoringAccess": monitoring, "AuthMode": auth}
				maps.Copy(parameters, jwt)
				routes := project(t, parameters).Routes
				if len(routes) == 0 {
					t.Fatal("no routes")
				}
				for _, route := range routes {
					want := auth
					switch {
					case route.Path == health:
						want = "open"
					case strings.HasSuffix(route.Path, "/override") && route.Method != "GET":
						want = "iam"
					case strings.HasPrefix(route.Path, "/api/v1/resilience/"):
						want = monitoring
					}
					if want == "open" || want == "none" {
						want = ""
					}
					if route.Access != want {
						t.Errorf("%s %s: access %q, want %q", route.Method, route.Path, route.Access, want)
					}
				}
			})
		}
	}
}

func TestEveryFunctionHasTheSameCircuitSettings(t *testing.T) {
	functions := project(t, map[string]string{"JiraFailureThreshold": "7"}).Functions
	if got := functions[0].Environment["JIRA_FAILURE_THRESHOLD"]; got != "7" {
		t.Errorf("threshold %q, want that of the parameter", got)
	}
	circuit := []string{"PROFILE", "FAILURE_THRESHOLD", "FAILURE_WINDOW", "RECOVERY_TIMEOUT", "SUCCESS_THRESHOLD", "OPEN_BACK_OFF", "MAX_OPEN", "MIN_ENVIRONMENTS", "READ_FIRST", "TRY_TIMEOUT", "FUNCTION_TIMEOUT"}
	for _, f := range functions[1:] {
		for _, prefix := range []string{"JIRA_", "CONFLUENCE_"} {
			for _, setting := range circuit {
				want, ok := functions[0].Environment[prefix+setting]
				if got := f.Environment[prefix+setting]; got != want || !ok {
					t.Errorf("%s has %s=%q, %s has %q", f.ID, prefix+setting, got, functions[0].ID, want)
				}
			}
		}
	}
}

// A connector is told the timeout that it has.
func TestAFunctionKnowsItsTimeout(t *testing.T) {
	for given, want := range map[string]time.Duration{"": 29 * time.Second, "5": 5 * time.Second, "94": 94 * time.Second, "900": 900 * time.Second} {
		parameters := map[string]string{}
		if given != "" {
			parameters = map[string]string{"JiraFunctionTimeout": given, "ConfluenceFunctionTimeout": given}
		}
		for _, f := range project(t, parameters).Functions {
			product := strings.TrimSuffix(f.ID, "Function")
			if product != "Jira" && product != "Confluence" {
				if f.Timeout > 29*time.Second {
					t.Errorf("%s may take %s, longer than an HTTP API waits", f.ID, f.Timeout)
				}
				continue
			}
			if told := f.Environment[strings.ToUpper(product)+"_FUNCTION_TIMEOUT"]; f.Timeout != want || told != strconv.Itoa(int(want/time.Second)) {
				t.Errorf("%s has %s and is told %s, want %s", f.ID, f.Timeout, told, want)
			}
		}
	}
}

func TestReservedConcurrency(t *testing.T) {
	for given, want := range map[string]int{"": -1, "0": -1, "1": 1, "250": 250} {
		functions := project(t, map[string]string{
			"JiraReservedConcurrency": given, "ConfluenceReservedConcurrency": given, "SessionsReservedConcurrency": given,
		}).Functions
		for _, f := range functions {
			want := want
			if f.ID == "ResilienceFunction" { // never without room for the ones who look
				want = -1
			}
			if f.Reserved != want {
				t.Errorf("%q: %s has %d, want %d", given, f.ID, f.Reserved, want)
			}
		}
	}
}
