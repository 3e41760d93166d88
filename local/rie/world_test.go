//go:build linux

package rie

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/dynamolocal"
	"github.com/coldfuse/coldfuse/local/jirasim"
	"github.com/coldfuse/coldfuse/local/secretsim"
	"github.com/coldfuse/coldfuse/local/template"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

const root = "../.."

var database *dynamolocal.Server

func TestMain(m *testing.M) { os.Exit(dynamolocal.Main(m, &database)) }

// world is what the functions of one case find around them.
type world struct {
	jira        *jirasim.Simulator
	store       breaker.Store
	environment map[string]string // of the case's function
	timeout     time.Duration     // likewise
}

// newWorld makes the state that the case asks for. The function's environment
// is the template's, with shorter waits.
func newWorld(t *testing.T, c eventCase) *world {
	t.Helper()
	w := &world{jira: jirasim.New(jirasim.Options{Lag: jirasim.NoLag})}
	jira := serve(t, w.jira)
	if c.Jira != nil {
		if err := w.jira.Add(*c.Jira); err != nil {
			t.Fatal(err)
		}
	}
	client, table := database.Table(t)
	w.store = dynamostore.New(client, table)
	if c.Circuit == "open" {
		open(t, w.store)
	}
	function := templateFunction(t, c.function(), jira, table)
	w.environment, w.timeout = function.Environment, function.Timeout
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_DYNAMODB"} {
		w.environment[name] = database.Getenv(name)
	}
	if c.Store == "away" {
		w.environment["AWS_ENDPOINT_URL_DYNAMODB"] = "http://" + closedAddress(t)
	}
	w.environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = serve(t, secrets(t))
	return w
}

func serve(t *testing.T, handler http.Handler) string {
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections() // a hanging answer would block Close
		server.Close()
	})
	return server.URL
}

const secretName = "jira"

func secrets(t *testing.T) *secretsim.Server {
	t.Helper()
	value, err := json.Marshal(jirasim.Credentials{Email: jirasim.DefaultEmail, Token: jirasim.DefaultToken})
	if err != nil {
		t.Fatal(err)
	}
	s := secretsim.New()
	s.Put(secretName, string(value))
	return s
}

func templateFunction(t *testing.T, id, jira, table string) template.Function {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := template.Parse(src, template.Options{
		Parameters: map[string]string{
			"JiraBaseUrl":    jira,
			"JiraSecretArn":  secretName,
			"JiraBaseDelay":  "0.01",
			"JiraTryTimeout": "0.5",
		},
		References: map[string]string{"CircuitsTable": table},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range read.Functions {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("the template has no function %s", id)
	return template.Function{}
}

// open has Jira's circuit opened by the failures that the defaults want.
func open(t *testing.T, store breaker.Store) {
	t.Helper()
	b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "jira_api"}, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	down := errors.New("down")
	for range b.Settings().FailureThreshold {
		err := b.Do(t.Context(), func(context.Context, *breaker.Permit) error { return down })
		if !errors.Is(err, down) {
			t.Fatal(err)
		}
	}
}

// closedAddress is one at which nobody listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
