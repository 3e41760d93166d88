package session

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/testserver/mongolocal"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

var server *mongolocal.Server

func TestMain(m *testing.M) { os.Exit(mongolocal.Main(m, &server)) }

// tryTimeout is one for all guards of the process: their commands are hystrix's.
const tryTimeout = 3500 * time.Millisecond

// soon retries as often as the function does, but does not wait.
var soon = retry.Policy{MaxRetries: 3, BaseDelay: time.Millisecond, MaxDelay: 4 * time.Millisecond}

// site is the function's handler on a database of the test's own.
type site struct {
	t          testing.TB
	repository *Repository
	config     Config
	mongo      *mongo.Database // by a way without faults
	commands   *commands

	mu    sync.Mutex
	clock time.Time // zero: the real one
	calls []guard.Call
}

// newSite makes a site whose indexes are there.
func newSite(t testing.TB) *site { return newSiteAt(t, server.URI, soon, nil) }

// newSiteAt makes one that reaches its database at uri.
func newSiteAt(t testing.TB, uri string, policy retry.Policy, adjust func(*Config)) *site {
	t.Helper()
	s := &site{t: t, commands: &commands{}}
	name := "test-" + newID()
	if _, err := CreateIndexes(t.Context(), server.URI, name); err != nil {
		t.Fatal(err)
	}
	client, err := mongo.Connect(options.Client().ApplyURI(server.URI))
	if err != nil {
		t.Fatal(err)
	}
	s.mongo = client.Database(name)
	calls, err := guard.New(guard.Config{
		Retry: policy, TryTimeout: tryTimeout, Operations: Operations, MaxConcurrent: 200,
		Classify: Classify, Retryable: Retryable, Report: s.report,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.config = Config{
		URI:      func(context.Context) (string, error) { return uri, nil },
		Database: name, TTL: 10 * 24 * time.Hour, Guard: calls, Now: s.now,
		Options: func(o *options.ClientOptions) { o.SetMonitor(s.commands.monitor()) },
	}
	if adjust != nil {
		adjust(&s.config)
	}
	s.repository = New(s.config)
	t.Cleanup(func() {
		s.repository.Close()
		if err := s.mongo.Drop(context.Background()); err != nil {
			t.Error(err)
		}
		closeClient(client)
	})
	return s
}

func (s *site) report(_ context.Context, c guard.Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock.IsZero() {
		return time.Now()
	}
	return s.clock
}

// at sets the clock.
func (s *site) at(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

// request is what a client sends, as ada unless it is somebody else.
type request struct {
	method, path, body string
	as                 string
	match              string // If-Match
}

func (s *site) do(r request) *httptest.ResponseRecorder {
	s.t.Helper()
	if r.as == "" {
		r.as = "ada"
	}
	in := httptest.NewRequestWithContext(s.t.Context(), r.method, "/api/v1/sessions"+r.path, strings.NewReader(r.body))
	if r.match != "" {
		in.Header.Set("If-Match", r.match)
	}
	w := httptest.NewRecorder()
	gateway.WithLocalSubject(Handler(s.repository), r.as).ServeHTTP(w, in)
	return w
}

// want makes a request that must be answered with the status, and reads the
// answer.
func want[T any](s *site, status int, r request) T {
	s.t.Helper()
	w := s.do(r)
	if w.Code != status {
		s.t.Fatalf("%s %s: got %d, want %d: %s", r.method, r.path, w.Code, status, w.Body)
	}
	return read[T](s.t, w)
}

func read[T any](t testing.TB, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if w.Body.Len() == 0 {
		return v
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return v
}

// The answers, as clients read them.
type (
	sessionJSON struct {
		ID        string          `json:"session_id"`
		UserID    string          `json:"user_id"`
		Title     string          `json:"title"`
		Metadata  json.RawMessage `json:"metadata"`
		Version   int64           `json:"version"`
		CreatedAt string          `json:"created_at"`
		ExpiresAt string          `json:"expires_at"`
	}
	messageJSON struct {
		ID      string `json:"id"`
		Seq     int64  `json:"seq"`
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	pageJSON[T any] struct {
		Items []T    `json:"items"`
		Next  string `json:"next_page_token"`
	}
	nothing struct{}
)

// ensure creates a session of ada's and returns its entity tag.
func (s *site) ensure(id string) string {
	s.t.Helper()
	w := s.do(request{method: "PUT", path: "/" + id})
	if w.Code != http.StatusCreated {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Header().Get("ETag")
}

// say appends a message of ada's to her session "chat".
func (s *site) say(id, content string) request {
	return request{method: "POST", path: "/chat/messages", body: `{"id":"` + id + `","role":"user","content":"` + content + `"}`}
}

// history is the whole of ada's session "chat", the oldest message first.
func (s *site) history(limit string) []messageJSON {
	s.t.Helper()
	var all []messageJSON
	path := "/chat/messages?limit=" + limit
	for token := ""; ; {
		page := want[pageJSON[messageJSON]](s, 200, request{method: "GET", path: path + token})
		all = append(all, page.Items...)
		if page.Next == "" {
			slices.Reverse(all)
			return all
		}
		token = "&page_token=" + page.Next
	}
}

// wantOrder checks that the messages are numbered from 1 without a gap.
func wantOrder(t *testing.T, history []messageJSON, count int) {
	t.Helper()
	ids := map[string]bool{}
	for i, m := range history {
		if m.Seq != int64(i)+1 {
			t.Errorf("message %d has the number %d", i+1, m.Seq)
		}
		ids[m.ID] = true
	}
	if len(history) != count || len(ids) != count {
		t.Errorf("%d messages of %d ids, want %d", len(history), len(ids), count)
	}
}

func (s *site) count(collection string, filter bson.D) int64 {
	s.t.Helper()
	n, err := s.mongo.Collection(collection).CountDocuments(s.t.Context(), filter)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// commands are what the driver sent.
type commands struct {
	mu   sync.Mutex
	sent []bson.Raw
}

func (c *commands) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sent = append(c.sent, slices.Clone(e.Command))
	}}
}

// take returns the commands since the last time.
func (c *commands) take() []bson.Raw {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := c.sent
	c.sent = nil
	return sent
}

// names are the commands' own, in order.
func names(sent []bson.Raw) []string {
	var all []string
	for _, command := range sent {
		elements, _ := command.Elements()
		all = append(all, elements[0].Key())
	}
	return all
}
