//go:build linux

package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coldfuse/coldfuse/local/stack/bootstrap"
	"github.com/coldfuse/coldfuse/local/stack/lambda"
)

// Each case runs the function under package lambda, watched by the race detector.
func TestEvents(t *testing.T) {
	bootstraps := newBuilds(t, buildWatched)
	for _, c := range readCases(t) {
		t.Run(c.Rule, func(t *testing.T) {
			if c.Open == "" && c.Override == "" { // else the store must answer in time
				t.Parallel()
			}
			w := newWorld(t, c)
			var log lines
			function, err := lambda.New(lambda.Config{
				Name: c.function(), Bootstrap: bootstraps.of(t, w.code), Env: w.variables(), Timeout: w.timeout, Log: log.add,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				function.Close() // ends the writing of the log
				c.checkLog(t, log.text.Bytes())
				if strings.Contains(log.text.String(), "DATA RACE") {
					t.Error("a data race")
				}
				if t.Failed() {
					t.Logf("%s", &log.text)
				}
			})
			c.run(t, w, func(event []byte) ([]byte, error) { return answerOf(function.Invoke(t.Context(), event)) })
		})
	}
}

// answerOf returns a function error as the payload that AWS answers with.
func answerOf(payload []byte, err error) ([]byte, error) {
	if failed, ok := errors.AsType[*lambda.FunctionError](err); ok {
		return json.Marshal(map[string]string{"errorType": failed.Type, "errorMessage": failed.Message})
	}
	return payload, err
}

// lines collects what a function writes.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) add(line lambda.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(&l.text, line.Text)
}

// AWS's own emulator runs each function as it is deployed, with one event.
func TestTheEmulatorRunsEachFunction(t *testing.T) {
	emulator, err := Install(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	bootstraps := newBuilds(t, bootstrap.Build)
	tried := map[string]bool{}
	for _, c := range readCases(t) {
		if tried[c.function()] || c.Status != 200 {
			continue
		}
		tried[c.function()] = true
		t.Run(c.function(), func(t *testing.T) {
			w := newWorld(t, c)
			env := append(w.variables(), fmt.Sprintf("AWS_LAMBDA_FUNCTION_TIMEOUT=%.0f", w.timeout.Seconds()))
			var log bytes.Buffer
			e, err := Start(t.Context(), emulator, bootstraps.of(t, w.code), env, &log)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				e.Close()
				if t.Failed() {
					t.Logf("%s", &log)
				}
			})
			c.run(t, w, func(event []byte) ([]byte, error) { return e.Invoke(t.Context(), event) })
		})
	}
	if len(tried) != 4 {
		t.Errorf("tried %v, want four functions", tried)
	}
}

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

// builds are bootstraps, each compiled when it is first needed.
type builds struct {
	compile compile
	dir     string
	mu      sync.Mutex
	done    map[string]string // path by the function's folder
}

func newBuilds(t *testing.T, compile compile) *builds {
	return &builds{compile: compile, dir: t.TempDir(), done: map[string]string{}}
}

// of returns the bootstrap of the function in a folder such as "functions/jira".
func (b *builds) of(t *testing.T, function string) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done[function] == "" {
		target := filepath.Join(b.dir, filepath.Base(function), "bootstrap")
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := b.compile(t.Context(), filepath.Join(root, function), target); err != nil {
			t.Fatal(err)
		}
		b.done[function] = target
	}
	return b.done[function]
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
			t.Errorf("events/cases has no case of %s", file)
		}
	}
}

// Each route has an event that is answered and one that is a problem.
func TestEveryRouteHasEvents(t *testing.T) {
	answered, failed := map[string]bool{}, map[string]bool{}
	for _, c := range readCases(t) {
		var event struct{ RouteKey string }
		if err := json.Unmarshal(readEvent(t, c.Event), &event); err != nil {
			t.Fatal(err)
		}
		if c.Status < 300 {
			answered[event.RouteKey] = true
		} else {
			failed[event.RouteKey] = true
		}
	}
	for _, route := range readTemplate(t, nil, nil).Routes {
		if key := route.Method + " " + route.Path; !answered[key] || !failed[key] {
			t.Errorf("%s: answered %v, failed %v", key, answered[key], failed[key])
		}
	}
}
