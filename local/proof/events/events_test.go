//go:build linux

package events

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/local/stack/bootstrap"
)

// The emulator runs the bootstrap: the function as it is deployed.
func TestEvents(t *testing.T) { runEvents(t, bootstrap.Build) }

// The same, and the race detector watches the function.
func TestEventsForRaces(t *testing.T) { runEvents(t, buildWatched) }

// compile makes a bootstrap, the file target, of the function in a folder.
type compile func(ctx context.Context, source, target string) error

func buildWatched(ctx context.Context, source, target string) error {
	command := exec.CommandContext(ctx, "go", "build", "-race", "-tags", "lambda.norpc", "-o", target, ".")
	command.Dir = source
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", source, err, out)
	}
	return nil
}

func runEvents(t *testing.T, compile compile) {
	emulator, err := Install(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	dir, bootstraps := t.TempDir(), map[string]string{}
	for _, c := range readCases(t) {
		t.Run(c.Rule, func(t *testing.T) {
			w := newWorld(t, c)
			if bootstraps[w.code] == "" {
				bootstraps[w.code] = build(t, compile, w.code, dir)
			}
			env := []string{fmt.Sprintf("AWS_LAMBDA_FUNCTION_TIMEOUT=%.0f", w.timeout.Seconds())}
			for name, value := range w.environment {
				env = append(env, name+"="+value)
			}
			var log bytes.Buffer
			e, err := Start(t.Context(), emulator, bootstraps[w.code], env, &log)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				e.Close() // ends the writing of the log
				c.checkLog(t, log.Bytes())
				if strings.Contains(log.String(), "DATA RACE") {
					t.Error("a data race")
				}
				if t.Failed() {
					t.Logf("%s", &log)
				}
			})
			c.run(t, w, func(event []byte) ([]byte, error) { return e.Invoke(t.Context(), event) })
		})
	}
}

func TestEveryEventHasACase(t *testing.T) {
	files, err := fs.Glob(os.DirFS(filepath.Join(root, "events")), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	cases := readCases(t)
	for _, file := range files {
		name := strings.TrimSuffix(file, ".json")
		if !slices.ContainsFunc(cases, func(c eventCase) bool { return c.Event == name || slices.Contains(c.Before, name) }) {
			t.Errorf("events/cases says nothing of %s", file)
		}
	}
}

// Each route is answered at least once, and at least once refused.
func TestEveryRouteHasEvents(t *testing.T) {
	answered, refused := map[string]bool{}, map[string]bool{}
	for _, c := range readCases(t) {
		var event struct{ RouteKey string }
		if err := json.Unmarshal(readEvent(t, c.Event), &event); err != nil {
			t.Fatal(err)
		}
		if c.Status < 300 {
			answered[event.RouteKey] = true
		} else {
			refused[event.RouteKey] = true
		}
	}
	for _, route := range readTemplate(t, nil, nil).Routes {
		if key := route.Method + " " + route.Path; !answered[key] || !refused[key] {
			t.Errorf("%s: answered %v, refused %v", key, answered[key], refused[key])
		}
	}
}

func build(t *testing.T, compile compile, function, dir string) string {
	t.Helper()
	target := filepath.Join(dir, filepath.Base(function), "bootstrap")
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := compile(t.Context(), filepath.Join(root, function), target); err != nil {
		t.Fatal(err)
	}
	return target
}
