package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/internal/gateway"
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

// world is what surrounds the function: Jira, Secrets Manager, and a store that
// cannot be reached.
type world struct {
	env      map[string]string
	requests atomic.Int32
}

func newWorld(t *testing.T, secret string) *world {
	t.Helper()
	w := &world{}
	jira := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.requests.Add(1)
		out.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.URL.Path, "/rest/api/3/search/") {
			out.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(out, `{"errorMessages":["Error in the JQL Query"],"errors":{}}`)
			return
		}
		fmt.Fprint(out, `[]`)
	}))
	t.Cleanup(jira.Close)
	secrets := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if secret == "" {
			out.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(out, `{"__type":"ResourceNotFoundException"}`)
			return
		}
		_ = json.NewEncoder(out).Encode(map[string]string{"SecretString": secret})
	}))
	t.Cleanup(secrets.Close)
	away := httptest.NewServer(nil)
	away.Close()
	w.env = map[string]string{
		"CIRCUITS_TABLE": "circuits", "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL_DYNAMODB": away.URL, "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets.URL,
		"JIRA_BASE_URL": jira.URL, "JIRA_SECRET_ID": "jira-token", "IDEMPOTENCY_TABLE": "idempotency",
	}
	return w
}

const secret = `{"email":"me@example.com","token":"s3cret"}`

func (w *world) getenv(name string) string { return w.env[name] }

func (w *world) start(t *testing.T, log *bytes.Buffer) gateway.Handler {
	t.Helper()
	handler, err := newHandler(t.Context(), w.getenv, telemetry.Setup(log, "jira", w.getenv))
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Adapt(handler, telemetry.Fault(slog.New(slog.DiscardHandler)))
}

func event(method, path, body string) events.APIGatewayV2HTTPRequest {
	var e events.APIGatewayV2HTTPRequest
	e.Version, e.RawPath, e.Body, e.RequestContext.HTTP.Method = "2.0", "/api/v1/jira"+path, body, method
	return e
}

func TestAFunctionWithoutItsConfigurationDoesNotStart(t *testing.T) {
	withoutSecret := newWorld(t, "").env
	withoutToken := newWorld(t, `{"email":"s3cret"}`).env
	withoutBoth := newWorld(t, "").env
	delete(withoutBoth, "CIRCUITS_TABLE")
	for rule, c := range map[string]struct {
		env  map[string]string
		want []string
	}{
		"all configuration": {nil, []string{"CIRCUITS_TABLE", "AWS_REGION", "JIRA_BASE_URL", "JIRA_SECRET_ID"}},
		"the secret":        {withoutSecret, []string{"secret jira-token is missing"}},
		"no secret is read for a configuration that is incomplete": {withoutBoth, []string{"CIRCUITS_TABLE is missing"}},
		"the token in it": {withoutToken, []string{"secret jira-token", "token"}},
	} {
		t.Run(rule, func(t *testing.T) {
			command := exec.Command(os.Args[0])
			command.Env = []string{runMain + "=1"}
			for name, value := range c.env {
				command.Env = append(command.Env, name+"="+value)
			}
			out, err := command.Output()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Fatalf("got %v, want exit status 1", err)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			failures := slices.DeleteFunc(lines, func(line string) bool { return !strings.Contains(line, `"ERROR"`) })
			if len(failures) != 1 || strings.Contains(string(out), "s3cret") {
				t.Fatalf("want one line of what is missing, got %s", out)
			}
			for _, want := range c.want {
				if !strings.Contains(failures[0], want) {
					t.Errorf("%s is not named: %s", want, failures[0])
				}
			}
		})
	}
}

// The store is unavailable: calls are served all the same, and the environment's own
// circuit protects Jira.
func TestMistakesOfTheCallerOpenTheCircuitOnlyIfCounted(t *testing.T) {
	for counted, wants := range map[string][]int{
		"false": {400, 400, 400, 400, 400, 400},
		"true":  {400, 400, 400, 400, 400, 503},
	} {
		w := newWorld(t, secret)
		w.env["COUNT_CLIENT_ERRORS"] = counted
		var log bytes.Buffer
		handler := w.start(t, &log)
		for i, want := range wants {
			out, err := handler(context.Background(), event("POST", "/search", `{"jql":"invalid jql that will fail"}`))
			if err != nil || out.StatusCode != want {
				t.Errorf("counted %s, call %d: %d %s, %v", counted, i+1, out.StatusCode, out.Body, err)
			}
		}
		if lines := strings.Count(log.String(), `"message":"Guarded call"`); lines != 6 {
			t.Errorf("%d lines for 6 calls", lines)
		}
		if strings.Contains(log.String(), "s3cret") || strings.Contains(log.String(), "JQL") {
			t.Errorf("the log shows what it must not: %s", &log)
		}
	}
}

// One environment may serve several requests at once.
func TestRequestsAtOnce(t *testing.T) {
	w := newWorld(t, secret)
	var log bytes.Buffer
	handler := w.start(t, &log)
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			for range 10 {
				if out, err := handler(context.Background(), event("GET", "/issue-types", "")); err != nil || out.StatusCode != 200 {
					t.Errorf("%d %s, %v", out.StatusCode, out.Body, err)
				}
			}
		})
	}
	requests.Wait()
	if got := w.requests.Load(); got != 80 {
		t.Errorf("%d requests reached Jira", got)
	}
}
