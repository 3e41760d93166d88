package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/internal/telemetry"
)

// runMain makes the test binary be the function.
const runMain = "COLDFUSE_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestMissingConfigurationRefusesToStart(t *testing.T) {
	command := exec.Command(os.Args[0])
	command.Env = []string{runMain + "=1"}
	out, err := command.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("got %v, want exit status 1", err)
	}
	var line struct{ Level, Message string }
	if bytes.Count(out, []byte("\n")) != 1 || json.Unmarshal(out, &line) != nil {
		t.Fatalf("want one line of JSON, got %q", out)
	}
	if line.Level != "ERROR" || !strings.Contains(line.Message, "CIRCUITS_TABLE") || !strings.Contains(line.Message, "AWS_REGION") {
		t.Errorf("got %+v", line)
	}
}

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
	handler, err := newHandler(func(name string) string { return environment[name] }, telemetry.Setup(&log, "resilience", ""))
	if err != nil {
		t.Fatal(err)
	}
	var event events.APIGatewayV2HTTPRequest
	event.Version, event.RawPath, event.RequestContext.HTTP.Method = "2.0", "/api/v1/resilience/health", "GET"
	out, err := handler(context.Background(), event)
	if err != nil || out.StatusCode != 503 || out.Headers["Retry-After"] == "" {
		t.Errorf("got %+v, %v", out, err)
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
