package jira

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/atlassian/sitetest"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/idempotency"
	"github.com/coldfuse/coldfuse/internal/idempotency/memstore"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// world is a Jira that makes issues and a table of records, without a network,
// so that a bubble's clock drives them and the environments that use them.
type world struct {
	store *memstore.Store

	mu     sync.Mutex
	issues []*made
	posts  int
	noPage bool // labels are not on the create screen
	// The outcomes of the next POSTs and of the next searches, and how far searches
	// lag. The zero value is a Jira that works.
	post   func(n int) fate
	search func(n int) fate
	lag    func() time.Duration
	looked int
}

// made is an issue.
type made struct {
	key      string
	labels   []string
	mark     json.RawMessage
	at, seen time.Time
}

// fate is the outcome of a request.
type fate struct {
	unsent bool          // it never left
	commit bool          // Jira performs it
	after  time.Duration // so long after it arrived
	delay  time.Duration // of the answer
	status int           // 0: Jira's own; -1: the connection is cut
	body   string
}

var works = fate{commit: true}

func newWorld() *world {
	always := func(int) fate { return works }
	return &world{store: memstore.New(), post: always, search: always, lag: func() time.Duration { return 0 }}
}

// newGuard is made outside of bubbles, since hystrix's goroutines never end.
func newGuard(t *testing.T) *guard.Guard {
	t.Helper()
	return newGuardOf(t, nil)
}

// newGuardOf makes one with a circuit.
func newGuardOf(t *testing.T, circuit *breaker.Breaker) *guard.Guard {
	t.Helper()
	g, err := guard.New(guard.Config{
		Breaker: circuit, TryTimeout: tryTimeout, Operations: Operations, Classify: atlassian.Classify(false), Retryable: atlassian.Retryable,
		Retry: retry.Policy{MaxRetries: 3, BaseDelay: time.Second, MaxDelay: 10 * time.Second, Jitter: true, Reserve: time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// environment is one execution environment of the function.
type environment struct {
	world   *world
	handler http.Handler
	mu      sync.Mutex
	life    int // operations until it is killed; negative: never
	dead    bool
}

// environment makes one that dies right after so many operations, store's and
// Jira's alike: it hears of none of the last one's result.
func (w *world) environment(g *guard.Guard, life int) *environment {
	e := &environment{world: w, life: life}
	e.handler = handlerBehind(g, e, e)
	return e
}

var errKilled = errors.New("killed")

// lives reports whether an operation is still made, and whether its result is
// heard of.
func (e *environment) lives() (made, heard bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead {
		return false, false
	}
	e.life--
	e.dead = e.life == 0
	return true, !e.dead
}

func (e *environment) Load(ctx context.Context, id string) (idempotency.Record, error) {
	made, heard := e.lives()
	if !made || !heard {
		return idempotency.Record{}, errKilled
	}
	return e.world.store.Load(ctx, id)
}

func (e *environment) Change(ctx context.Context, id string, from, to idempotency.Record) (idempotency.Record, bool, error) {
	made, heard := e.lives()
	if !made {
		return idempotency.Record{}, false, errKilled
	}
	now, held, err := e.world.store.Change(ctx, id, from, to)
	if !heard {
		return idempotency.Record{}, false, errKilled
	}
	return now, held, err
}

func (e *environment) RoundTrip(r *http.Request) (*http.Response, error) {
	made, heard := e.lives()
	if !made {
		return nil, errKilled
	}
	body, _ := io.ReadAll(r.Body)
	var res *http.Response
	var err error
	if strings.HasSuffix(r.URL.Path, "/search/jql") {
		res, err = e.world.answer(r, e.world.nextSearch(), func() (int, string) { return e.world.find(body) })
	} else {
		res, err = e.world.answer(r, e.world.nextPost(), func() (int, string) { return e.world.create(body) })
	}
	if !heard {
		return nil, errKilled
	}
	return res, err
}

func (w *world) nextPost() fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posts++
	return w.post(w.posts)
}

func (w *world) nextSearch() fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked++
	return w.search(w.looked)
}

// answer performs a request as its fate is.
func (w *world) answer(r *http.Request, f fate, perform func() (int, string)) (*http.Response, error) {
	if f.unsent {
		return nil, errors.New("dial: connection refused")
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	status, body := 0, ""
	switch {
	case f.commit && f.after == 0:
		status, body = perform()
	case f.commit: // Jira goes on though the client be gone
		time.AfterFunc(f.after, func() { perform() })
	}
	timer := time.NewTimer(f.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if f.status == -1 {
		return nil, errors.New("connection reset by peer")
	}
	if f.status != 0 {
		status = f.status
	}
	if f.body != "" {
		body = f.body
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}, "Atl-Traceid": {"trace-1"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

func (w *world) create(body []byte) (int, string) {
	var b struct {
		Fields     struct{ Labels []string }
		Properties []struct{ Value json.RawMessage }
	}
	_ = json.Unmarshal(body, &b)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.noPage && len(b.Fields.Labels) > 0 {
		return 400, `{"errorMessages":[],"errors":{"labels":"Field 'labels' cannot be set. It is not on the appropriate screen, or unknown."}}`
	}
	issue := &made{key: fmt.Sprintf("OPS-%d", len(w.issues)+1), labels: b.Fields.Labels, at: time.Now(), seen: time.Now().Add(w.lag())}
	if len(b.Properties) > 0 {
		issue.mark = b.Properties[0].Value
	}
	w.issues = append(w.issues, issue)
	return 201, fmt.Sprintf(`{"id":"1","key":%q,"self":"x"}`, issue.key)
}

// find knows the two queries that are sent.
func (w *world) find(body []byte) (int, string) {
	var b struct{ JQL string }
	_ = json.Unmarshal(body, &b)
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []string
	for _, issue := range w.issues {
		if issue.seen.After(time.Now()) || !hasLabel(issue, b.JQL) || time.Since(issue.at) > window(b.JQL) {
			continue
		}
		found = append(found, fmt.Sprintf(`{"id":"1","key":%q,"properties":{"idem":%s}}`, issue.key, issue.mark))
	}
	return 200, `{"issues":[` + strings.Join(found, ",") + `],"isLast":true}`
}

func hasLabel(issue *made, jql string) bool {
	if !strings.Contains(jql, "labels = ") {
		return true
	}
	for _, label := range issue.labels {
		if strings.Contains(jql, `labels = "`+label+`"`) {
			return true
		}
	}
	return false
}

func window(jql string) time.Duration {
	_, rest, _ := strings.Cut(jql, "created >= -")
	minutes, _, _ := strings.Cut(rest, " ")
	d, _ := time.ParseDuration(minutes)
	return d
}

func (w *world) keys() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var keys []string
	for _, issue := range w.issues {
		keys = append(keys, issue.key)
	}
	return keys
}

// invocation is how long a call may take.
const invocation = 29 * time.Second

// tryTimeout is that of every guard here: hystrix's commands are the process's.
const tryTimeout = 4 * time.Second

const newIssueBody = `{"project_key":"OPS","issue_type":"Task","summary":"s"}`

// reply is what a client hears of a call.
type reply struct {
	status   int
	key      string
	replayed bool
	sitetest.Problem
}

func (e *environment) create(t *testing.T) reply { return e.createAs(t, "k", newIssueBody) }

func (e *environment) createAs(t *testing.T, key, body string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), invocation)
	defer cancel()
	r := httptest.NewRequest("POST", "/api/v1/jira/issues", bytes.NewReader([]byte(body))).WithContext(ctx)
	r.Header.Set("Idempotency-Key", key)
	w := httptest.NewRecorder()
	began := time.Now()
	e.handler.ServeHTTP(w, r)
	if took := time.Since(began); took > invocation {
		t.Errorf("a call took %s", took)
	}
	out := reply{status: w.Code, replayed: w.Header().Get("Idempotent-Replayed") == "true"}
	if w.Code == http.StatusCreated {
		var issue Issue
		_ = json.Unmarshal(w.Body.Bytes(), &issue)
		out.key = issue.Key
		return out
	}
	out.Problem = sitetest.ReadProblem(t, w)
	return out
}
