package creates

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/idempotency"
	"github.com/coldfuse/coldfuse/internal/jira"
	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/jirasim"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
	circuits "github.com/coldfuse/coldfuse/pkg/breaker/memstore"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

var server *dynamolocal.Server

func TestMain(m *testing.M) { os.Exit(dynamolocal.Main(m, &server)) }

// world is a Jira, whose searches lag by half a second, and a table of records.
type world struct {
	t     *testing.T
	sim   *jirasim.Simulator
	jira  *httptest.Server
	table string
	ahead atomic.Int64 // of the records' clock, to let ten minutes pass
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	w.sim = jirasim.New(atlassiansim.Options{Lag: func() time.Duration { return time.Second / 2 }})
	w.jira = httptest.NewServer(w.sim)
	t.Cleanup(w.jira.Close)
	_, w.table = server.TableOf(t, "id")
	return w
}

// away is a Jira that cannot be dialled.
func away(t *testing.T) string {
	t.Helper()
	closed := httptest.NewServer(nil)
	closed.Close()
	return closed.URL
}

// environment is a new execution environment of the function, whose Jira is at
// an address and whose table is reached through a transport.
func (w *world) environment(jiraURL string, tables http.RoundTripper) http.Handler {
	w.t.Helper()
	base, err := url.Parse(jiraURL)
	if err != nil {
		w.t.Fatal(err)
	}
	classify := atlassian.Classify(false)
	circuit, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: jira.Circuit}, Store: circuits.New(), Classify: classify})
	if err != nil {
		w.t.Fatal(err)
	}
	g, err := guard.New(guard.Config{
		Breaker: circuit, TryTimeout: time.Second, Operations: jira.Operations, Classify: classify, Retryable: atlassian.Retryable,
		Retry: retry.Policy{MaxRetries: 3, BaseDelay: 100 * time.Millisecond, MaxDelay: time.Second, Jitter: true, Reserve: time.Second},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	keyring := atlassian.NewKeyring(func(context.Context) (atlassian.Credentials, error) {
		return atlassian.Credentials{Email: atlassiansim.DefaultEmail, Token: atlassiansim.DefaultToken}, nil
	})
	if err := keyring.Read(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	keys := idempotency.New(idempotency.Config{
		Store: idempotency.NewTable(dynamostore.NewClient(server.Getenv, tables), w.table),
		Now:   func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) },
	})
	client := atlassian.New(atlassian.Config{Base: base, Auth: atlassian.Basic, Keys: keyring})
	return jira.Handler(jira.New(client, g, base).WithKeys(keys))
}

// reply is what a client hears.
type reply struct {
	Status   int  `json:"-"`
	Replayed bool `json:"-"`
	Key      string
	Type     string
	Detail   string
}

// create asks an environment for an issue, with the time of an invocation.
func (w *world) create(e http.Handler, project string, limit time.Duration) reply {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	body := `{"project_key":"` + project + `","issue_type":"Task","summary":"made once","labels":["own"]}`
	if project == "NOL" {
		body = strings.Replace(body, `,"labels":["own"]`, "", 1)
	}
	r := httptest.NewRequest(http.MethodPost, "/api/v1/jira/issues", strings.NewReader(body)).WithContext(ctx)
	r.Header.Set("Idempotency-Key", "one")
	out := httptest.NewRecorder()
	e.ServeHTTP(out, r)
	answer := reply{Status: out.Code, Replayed: out.Header().Get("Idempotent-Replayed") != ""}
	if err := json.Unmarshal(out.Body.Bytes(), &answer); err != nil {
		w.t.Errorf("%d %s", out.Code, out.Body)
	}
	return answer
}

// made are the keys of the issues that were made.
func (w *world) made() []string {
	var keys []string
	for _, r := range w.sim.Log() {
		if r.Created != "" {
			keys = append(keys, r.Created)
		}
	}
	return keys
}

// mustHaveOne fails unless there is one issue, and every answer with an issue
// is that.
func (w *world) mustHaveOne(replies ...reply) {
	w.t.Helper()
	made := w.made()
	if len(made) != 1 {
		w.t.Errorf("issues %v, answers %+v", made, replies)
		return
	}
	if slices.ContainsFunc(replies, func(r reply) bool { return r.Status == 201 && r.Key != made[0] }) {
		w.t.Errorf("issue %s, answers %+v", made[0], replies)
	}
}

// network is a way to the table that loses requests from one on.
type network struct {
	writes   atomic.Int32
	loseFrom int32 // the number of the first write that is lost
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") && n.writes.Add(1) >= n.loseFrom {
		return nil, errors.New("the environment is gone")
	}
	return http.DefaultTransport.RoundTrip(r)
}
