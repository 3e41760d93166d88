package template

import (
	"maps"
	"os"
	"strings"
	"testing"
)

// project parses the template that is deployed.
func project(t *testing.T, parameters map[string]string) *Template {
	t.Helper()
	src, err := os.ReadFile("../../template.yaml")
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
	circuit := []string{"PROFILE", "FAILURE_THRESHOLD", "FAILURE_WINDOW", "RECOVERY_TIMEOUT", "SUCCESS_THRESHOLD", "OPEN_BACK_OFF", "MAX_OPEN", "MIN_ENVIRONMENTS", "READ_FIRST", "TRY_TIMEOUT"}
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
