//go:build linux

package rie

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/local/bootstrap"
)

// The emulator runs the bootstrap: the function as it is deployed.
func TestEventsThroughTheBootstrap(t *testing.T) {
	emulator, err := Install(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	dir, bootstraps := t.TempDir(), map[string]string{}
	for _, c := range readCases(t) {
		t.Run(c.Rule, func(t *testing.T) {
			w := newWorld(t, c)
			if bootstraps[w.code] == "" {
				bootstraps[w.code] = build(t, w.code, dir)
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
			t.Cleanup(func() { // ends the writing of the log
				e.Close()
				if t.Failed() {
					t.Logf("%s", &log)
				}
			})
			c.run(t, w, func(event []byte) (answer events.APIGatewayV2HTTPResponse, err error) {
				out, err := e.Invoke(t.Context(), event)
				if err == nil {
					err = json.Unmarshal(out, &answer)
				}
				return answer, err
			})
		})
	}
}

// The handler runs in this process, where the race detector sees it.
func TestEventsThroughTheHandler(t *testing.T) {
	for _, c := range readCases(t) {
		t.Run(c.Rule, func(t *testing.T) {
			w := newWorld(t, c)
			var log bytes.Buffer
			handler := newHandler(t, c.function(), w, slog.New(slog.NewJSONHandler(&log, nil)))
			c.run(t, w, func(src []byte) (events.APIGatewayV2HTTPResponse, error) {
				var event events.APIGatewayV2HTTPRequest
				if err := json.Unmarshal(src, &event); err != nil {
					return events.APIGatewayV2HTTPResponse{}, err
				}
				ctx, cancel := context.WithTimeout(t.Context(), w.timeout)
				defer cancel()
				return handler(ctx, event)
			})
			if t.Failed() {
				t.Logf("%s", &log)
			}
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

func build(t *testing.T, function, dir string) string {
	t.Helper()
	target := filepath.Join(dir, filepath.Base(function), "bootstrap")
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := bootstrap.Build(t.Context(), filepath.Join(root, function), target); err != nil {
		t.Fatal(err)
	}
	return target
}
