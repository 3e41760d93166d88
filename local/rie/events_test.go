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
	bootstraps := map[string]string{
		"JiraFunction":       build(t, "functions/jira"),
		"ResilienceFunction": build(t, "functions/resilience"),
	}
	for _, c := range readCases(t) {
		t.Run(c.Rule, func(t *testing.T) {
			w := newWorld(t, c)
			env := []string{fmt.Sprintf("AWS_LAMBDA_FUNCTION_TIMEOUT=%.0f", w.timeout.Seconds())}
			for name, value := range w.environment {
				env = append(env, name+"="+value)
			}
			var log bytes.Buffer
			e, err := Start(t.Context(), emulator, bootstraps[c.function()], env, &log)
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.Invoke(t.Context(), readEvent(t, c.Event))
			e.Close()
			if err != nil {
				t.Fatalf("%v\n%s", err, &log)
			}
			var answer events.APIGatewayV2HTTPResponse
			if err := json.Unmarshal(out, &answer); err != nil {
				t.Fatalf("%v: %s\n%s", err, out, &log)
			}
			c.check(t, answer, len(w.jira.Log()))
			if t.Failed() {
				t.Logf("%s", &log)
			}
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
			var event events.APIGatewayV2HTTPRequest
			if err := json.Unmarshal(readEvent(t, c.Event), &event); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), w.timeout)
			defer cancel()
			answer, err := handler(ctx, event)
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, answer, len(w.jira.Log()))
			if t.Failed() {
				t.Logf("%s", &log)
			}
		})
	}
}

func TestEveryEventHasACase(t *testing.T) {
	files, err := fs.Glob(os.DirFS(filepath.Join(root, "events")), "*-*.json")
	if err != nil {
		t.Fatal(err)
	}
	cases := readCases(t)
	for _, file := range files {
		name := strings.TrimSuffix(file, ".json")
		if !slices.ContainsFunc(cases, func(c eventCase) bool { return c.Event == name }) {
			t.Errorf("events/cases.json says nothing of %s", file)
		}
	}
}

func build(t *testing.T, function string) string {
	t.Helper()
	target := filepath.Join(t.TempDir(), "bootstrap")
	if err := bootstrap.Build(t.Context(), filepath.Join(root, function), target); err != nil {
		t.Fatal(err)
	}
	return target
}

func readEvent(t *testing.T, name string) []byte {
	t.Helper()
	event, err := os.ReadFile(filepath.Join(root, "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return event
}
