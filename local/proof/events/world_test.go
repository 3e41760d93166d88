//go:build linux

package events

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
	"github.com/coldfuse/coldfuse/internal/testserver/mongolocal"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/confluencesim"
	"github.com/coldfuse/coldfuse/local/sim/jirasim"
	"github.com/coldfuse/coldfuse/local/sim/secretsim"
	"github.com/coldfuse/coldfuse/local/stack/template"
)

const root = "../../.."

var (
	tables    *dynamolocal.Server
	documents *mongolocal.Server
)

// A case waits more than it computes: more of them run at once than there are
// processors, unless -parallel says otherwise.
const parallelCases = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(parallelCases)
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if documents, err = mongolocal.Start(context.Background(), os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer documents.Close()
	return dynamolocal.Main(m, &tables)
}

// world is what the functions of one case find around them.
type world struct {
	jira        *jirasim.Simulator
	confluence  *confluencesim.Simulator
	database    *database         // nil: the case's function has none
	code        string            // of the case's function, a folder
	environment map[string]string // likewise
	timeout     time.Duration     // likewise
	circuits    string            // a table
}

// newWorld makes the state that the case asks for. The function's environment
// is the template's, with shorter waits.
func newWorld(t *testing.T, c eventCase) *world {
	t.Helper()
	w := &world{
		jira:       jirasim.New(atlassiansim.Options{Lag: atlassiansim.NoLag}),
		confluence: confluencesim.New(atlassiansim.Options{Lag: atlassiansim.NoLag}),
	}
	add(t, w.jira.Edge, c.Jira)
	add(t, w.confluence.Edge, c.Confluence)
	circuits, idempotency := newTables(t)
	w.circuits = circuits
	secrets := secretsim.New()
	parameters := map[string]string{
		"JiraBaseUrl": serve(t, w.jira), "ConfluenceBaseUrl": serve(t, w.confluence),
		"JiraBaseDelay": "0.01", "ConfluenceBaseDelay": "0.01", "SessionsBaseDelay": "0.01",
	}
	function := templateFunction(t, c.function(), parameters, map[string]string{"CircuitsTable": circuits, "IdempotencyTable": idempotency})
	w.environment, w.timeout, w.code = function.Environment, function.Timeout, function.CodeURI
	if c.waits() {
		w.timeout = 2 * time.Second // one is for the answer
	}
	account := atlassiansim.Credentials{Email: atlassiansim.DefaultEmail, Token: atlassiansim.DefaultToken}
	put(t, secrets, "jira", account)
	put(t, secrets, "confluence", account)
	if c.function() == "SessionsFunction" {
		w.database = newDatabase(t, c.MongoDB)
		w.environment["MONGODB_DATABASE"] = w.database.name
		put(t, secrets, "mongodb", map[string]string{"uri": w.database.uri})
	}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_DYNAMODB"} {
		w.environment[name] = tables.Getenv(name)
	}
	if c.Store == "away" {
		away := httptest.NewServer(nil)
		away.Close()
		w.environment["AWS_ENDPOINT_URL_DYNAMODB"] = away.URL
	}
	w.environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = serve(t, secrets)
	return w
}

// variables are the function's environment as a process has it.
func (w *world) variables() []string {
	var all []string
	for name, value := range w.environment {
		all = append(all, name+"="+value)
	}
	return all
}

// requests is how many have reached Jira and Confluence.
func (w *world) requests() int { return len(w.jira.Log()) + len(w.confluence.Log()) }

func add(t *testing.T, edge *atlassiansim.Edge, fault *atlassiansim.Fault) {
	t.Helper()
	if fault == nil {
		return
	}
	if err := edge.Add(*fault); err != nil {
		t.Fatal(err)
	}
}

func serve(t *testing.T, handler http.Handler) string {
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections() // a hanging answer would block Close
		server.Close()
	})
	return server.URL
}

func put(t *testing.T, secrets *secretsim.Server, name string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	secrets.Put(name, string(text))
}

func readTemplate(t *testing.T, parameters, references map[string]string) *template.Template {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := template.Parse(src, template.Options{
		Parameters: parameters, References: references,
		Defaults: map[string]string{"JiraBaseUrl": "https://site.example.com", "ConfluenceBaseUrl": "https://site.example.com",
			"JiraSecretArn": "jira", "ConfluenceSecretArn": "confluence", "MongodbSecretArn": "mongodb"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func templateFunction(t *testing.T, id string, parameters, references map[string]string) template.Function {
	t.Helper()
	for _, f := range readTemplate(t, parameters, references).Functions {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("the template has no function %s", id)
	return template.Function{}
}
