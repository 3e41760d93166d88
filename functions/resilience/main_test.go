package main

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/telemetry"
)

// With the store away the function still answers: by a 503 problem. The gauge
// fails, and measures nothing.
func TestStoreOutage(t *testing.T) {
	away := httptest.NewServer(nil)
	away.Close()
	environment := map[string]string{
		"CIRCUITS_TABLE":            "circuits",
		"AWS_REGION":                "eu-central-1",
		"AWS_ACCESS_KEY_ID":         "local",
		"AWS_SECRET_ACCESS_KEY":     "local",
		"AWS_ENDPOINT_URL_DYNAMODB": away.URL,
	}
	var log bytes.Buffer
	getenv := func(name string) string { return environment[name] }
	handler, gauge, err := newHandler(t.Context(), getenv, telemetry.Setup(&log, "resilience", getenv))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/resilience/health", nil))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "Circuit store cannot be read") {
		t.Errorf("logged %q", log.String())
	}
	if err := gauge(t.Context()); err == nil || strings.Contains(log.String(), "CircuitState") {
		t.Errorf("gauged: %v, %s", err, log.String())
	}
}
