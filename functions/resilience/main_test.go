package main

import (
	"bytes"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/internal/telemetry"
)

// With the store away the function still answers: by a 503 problem.
func TestStoreAwayIsA503(t *testing.T) {
	environment := map[string]string{
		"CIRCUITS_TABLE":            "circuits",
		"AWS_REGION":                "eu-central-1",
		"AWS_ACCESS_KEY_ID":         "local",
		"AWS_SECRET_ACCESS_KEY":     "local",
		"AWS_ENDPOINT_URL_DYNAMODB": "http://" + closedPort(t),
	}
	var log bytes.Buffer
	handler, err := newHandler(t.Context(), func(name string) string { return environment[name] }, telemetry.Setup(&log, "resilience", ""))
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
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
