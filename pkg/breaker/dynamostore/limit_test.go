package dynamostore_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

const ms = time.Millisecond

// answer is the table's answer to a request.
type answer struct {
	after  time.Duration
	status int // 0: it hangs up
}

func found(after time.Duration) answer { return answer{after, http.StatusOK} }
func fails(after time.Duration) answer { return answer{after, http.StatusInternalServerError} }

var hangs, hangsUp = found(time.Hour), answer{}

// The limits are tested to the millisecond, in the time of a synctest bubble.
func TestTimeThatAnOperationMayTake(t *testing.T) {
	for rule, c := range map[string]struct {
		limit     time.Duration
		connected bool          // by an operation before
		dial      time.Duration // what a connection takes, the one before excluded
		answers   []answer      // request by request
		took      time.Duration
		fails     bool
	}{
		"a reply has a third of the time": {
			limit: 300 * ms, connected: true, answers: []answer{found(99 * ms)}, took: 99 * ms,
		},
		"a table that hangs costs a third of the time, and one request": {
			limit: 300 * ms, connected: true, answers: []answer{hangs}, took: 100 * ms, fails: true,
		},
		"so it does on a new connection": {
			limit: 300 * ms, answers: []answer{hangs}, took: 100 * ms, fails: true,
		},
		"dialling has the rest": {
			limit: 300 * ms, dial: 200 * ms, answers: []answer{found(99 * ms)}, took: 299 * ms,
		},
		"a first read has more time to dial": {
			limit: time.Second, dial: 600 * ms, answers: []answer{found(300 * ms)}, took: 900 * ms,
		},
		"nothing outlasts the context": {
			limit: 300 * ms, dial: 400 * ms, took: 300 * ms, fails: true,
		},
		"a connection that died while frozen is dialled again": {
			limit: 300 * ms, connected: true, dial: 150 * ms, answers: []answer{hangsUp, found(90 * ms)}, took: 240 * ms,
		},
		"a failing table is tried twice, without a pause": {
			limit: 300 * ms, connected: true, answers: []answer{fails(0), fails(0)}, took: 0, fails: true,
		},
		"one failed attempt is not an error": {
			limit: 300 * ms, connected: true, answers: []answer{fails(0), found(0)}, took: 0,
		},
		"a second request has what the first has left": {
			limit: 300 * ms, connected: true, answers: []answer{fails(60 * ms), hangs}, took: 100 * ms, fails: true,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := newScripted(t)
				if c.connected {
					table.answers = []answer{found(0)}
					if _, err := table.load(time.Second); err != nil {
						t.Fatal(err)
					}
				}
				table.dial, table.answers, table.requests = c.dial, c.answers, 0
				took, err := table.load(c.limit)
				if took != c.took || (err != nil) != c.fails || table.requests != len(c.answers) {
					t.Errorf("%s, %d requests, %v", took, table.requests, err)
				}
			})
		})
	}
}

// scripted is a table in the bubble that gives the scripted answers.
type scripted struct {
	store    *dynamostore.Store
	accepted chan net.Conn
	closed   chan struct{}
	dial     time.Duration
	answers  []answer
	requests int
}

func newScripted(t *testing.T) *scripted {
	s := &scripted{accepted: make(chan net.Conn), closed: make(chan struct{})}
	transport := &http.Transport{DialContext: s.dialled}
	s.store = dynamostore.New(dynamostore.NewClient(server.Getenv, transport), "circuits")
	web := &http.Server{Handler: s}
	go func() { _ = web.Serve(s) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		web.Close()
	})
	return s
}

func (s *scripted) load(limit time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	began := time.Now()
	_, err := s.store.Load(ctx, "jira_api", true)
	took := time.Since(began).Truncate(ms)
	synctest.Wait() // for the goroutines of a cancelled request
	return took, err
}

func (s *scripted) dialled(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := sleep(ctx, s.dial); err != nil {
		return nil, err
	}
	client, accepted := net.Pipe()
	select {
	case s.accepted <- accepted:
		return client, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	a := s.answers[s.requests]
	s.requests++
	// Reply after the client has sent its whole request: it closes a connection
	// on which the reply comes first.
	if sleep(r.Context(), a.after+time.Nanosecond) != nil || a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, "{}")
}

// Accept, Close and Addr make it the listener of its own server.
func (s *scripted) Accept() (net.Conn, error) {
	select {
	case c := <-s.accepted:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *scripted) Close() error   { close(s.closed); return nil }
func (s *scripted) Addr() net.Addr { return &net.TCPAddr{} }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
