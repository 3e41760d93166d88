package apicheck

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadRefusesABadDescription(t *testing.T) {
	good, err := os.ReadFile(filepath.Join(root, "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ rule, old, new, want string }{
		{"an example must be valid", "{jql: project = OPS ORDER BY created DESC, limit: 3}", "{jql: project = OPS, limit: 300}", "300"},
		{"a reference must lead somewhere", "'#/components/schemas/IssuePage'", "'#/components/schemas/Issues'", "Issues"},
		{"an operation's id is its own", "operationId: get_summary", "operationId: get_health", "get_health"},
		{"a format must be known", "format: date-time", "format: moment", "moment"},
		{"it must be YAML", "openapi: 3.1.1", "openapi: [", "openapi.yaml"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			dir := t.TempDir()
			bad := strings.Replace(string(good), c.old, c.new, 1)
			if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("nothing is loaded from an empty folder")
	}
}
