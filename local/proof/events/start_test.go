//go:build linux

package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/local/stack/bootstrap"
)

// A function that lacks its configuration says all that is missing in one line,
// and does not start.
func TestWhatIsMissingIsNamedInOneLine(t *testing.T) {
	bootstraps := newBuilds(t, bootstrap.Build)
	for function, missing := range map[string][]string{
		"jira":       {"CIRCUITS_TABLE", "JIRA_BASE_URL", "JIRA_SECRET_ID", "IDEMPOTENCY_TABLE", "AWS_REGION"},
		"confluence": {"CIRCUITS_TABLE", "CONFLUENCE_BASE_URL", "CONFLUENCE_SECRET_ID", "AWS_REGION"},
		"sessions":   {"MONGODB_SECRET_ID", "AWS_REGION"},
		"resilience": {"CIRCUITS_TABLE", "AWS_REGION"},
	} {
		t.Run(function, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), bootstraps.of(t, "functions/"+function))
			command.Env = []string{"AWS_LAMBDA_FUNCTION_NAME=" + function}
			out, err := command.Output()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Fatalf("got %v, want exit status 1", err)
			}
			var line struct{ Level, Message string }
			if bytes.Count(out, []byte("\n")) != 1 || json.Unmarshal(out, &line) != nil || line.Level != "ERROR" {
				t.Fatalf("want one ERROR line of JSON, got %q", out)
			}
			for _, name := range missing {
				if !strings.Contains(line.Message, name+" is missing") {
					t.Errorf("%s is not named: %s", name, line.Message)
				}
			}
		})
	}
}
