package dynamostore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// A write whose reply is lost after the table has committed it is sent again, and
// the second reply equals the first.
func TestALostReplyIsRepeated(t *testing.T) {
	_, table := server.Table(t)
	loser := &replyLoser{}
	s := dynamostore.New(dynamostore.NewClient(server.Getenv, loser), table)
	ctx := context.Background()
	failure := breaker.Failure{ID: "1#e#1", Cap: 1, At: 7, New: "w0"}
	created := breaker.Record{State: breaker.Closed, Writer: "w0", Failures: []breaker.FailureID{"1#e#1"}, LastFailureAt: 7}
	pruned := breaker.Record{State: breaker.Closed, Writer: "w0", LastFailureAt: 7}
	opened := breaker.Record{State: breaker.Open, Writer: "w1", Generation: 1, Epoch: 1, LastFailureAt: 7, OpenedAt: 8}
	for _, c := range []struct {
		rule  string
		write func() (breaker.Record, bool, error)
		want  breaker.Record
	}{
		{"a failure that filled the set holds", func() (breaker.Record, bool, error) { return s.AppendFailure(ctx, "jira_api", failure) }, created},
		{"pruning holds", func() (breaker.Record, bool, error) { return s.PruneFailures(ctx, "jira_api", 0, created.Failures) }, pruned},
		{"a change holds", func() (breaker.Record, bool, error) {
			return s.Change(ctx, "jira_api", breaker.Change{From: pruned, To: opened})
		}, opened},
	} {
		loser.armed = true
		got, held, err := c.write()
		if err != nil || !held || loser.armed || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, held %v, %v", c.rule, got, held, err)
		}
	}
}

// replyLoser loses the next reply.
type replyLoser struct{ armed bool }

func (l *replyLoser) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && l.armed {
		l.armed = false
		res.Body.Close()
		return nil, &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	}
	return res, err
}

// An endpoint that does not return the item after a failed condition must not make
// an open circuit a missing one, which is closed.
func TestAFailedConditionWithoutItsItemIsRead(t *testing.T) {
	_, table := server.Table(t)
	direct := dynamostore.New(dynamostore.NewClient(server.Getenv, nil), table)
	s := dynamostore.New(dynamostore.NewClient(server.Getenv, itemStripper{}), table)
	ctx := context.Background()
	open := breaker.Record{State: breaker.Open, Writer: "w1", Generation: 1, Epoch: 1, OpenedAt: 8, RetryAt: 9}
	if _, held, err := direct.Change(ctx, "jira_api", breaker.Change{From: breaker.Record{State: breaker.Closed}, To: open}); !held || err != nil {
		t.Fatal(held, err)
	}
	for rule, write := range map[string]func() (breaker.Record, bool, error){
		"append": func() (breaker.Record, bool, error) {
			return s.AppendFailure(ctx, "jira_api", breaker.Failure{ID: "1#e#1", Cap: 5, New: "w"})
		},
		"count": func() (breaker.Record, bool, error) {
			return s.Count(ctx, "jira_api", breaker.Tally{Add: []breaker.Count{{Kind: breaker.SuccessesOfSixth, Calls: 1}}})
		},
		"prune": func() (breaker.Record, bool, error) {
			return s.PruneFailures(ctx, "jira_api", 0, []breaker.FailureID{"1#e#1"})
		},
		"change": func() (breaker.Record, bool, error) {
			return s.Change(ctx, "jira_api", breaker.Change{From: breaker.Record{State: breaker.Closed}, To: open2(open)})
		},
	} {
		if got, held, err := write(); err != nil || held || !reflect.DeepEqual(got, open) {
			t.Errorf("%s: got %+v, held %v, %v", rule, got, held, err)
		}
	}
	if got, held, err := s.PruneFailures(ctx, "other", 0, []breaker.FailureID{"1#e#1"}); err != nil || held || got.Exists() {
		t.Errorf("a missing item: got %+v, held %v, %v", got, held, err)
	}
}

func open2(r breaker.Record) breaker.Record {
	r.Writer = "w2"
	return r
}

// itemStripper takes the item out of replies to failed conditions.
type itemStripper struct{}

func (itemStripper) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusBadRequest {
		return res, err
	}
	defer res.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		return nil, err
	}
	delete(body, "Item")
	text, err := json.Marshal(body)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	res.Header.Del("Content-Length")
	res.Header.Del("X-Amz-Crc32") // of what it was
	return res, err
}

// tunnel is a TCP proxy in front of the server that can inject faults. It takes
// real time; limit_test.go tests the limits to the millisecond.
type tunnel struct {
	net.Listener
	delay time.Duration // before a new connection's first byte is carried
	hangs atomic.Bool
}

func newTunnel(t *testing.T, delay time.Duration) *tunnel {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tunnel{Listener: l, delay: delay}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(c)
		}
	}()
	return p
}

func (p *tunnel) carry(client net.Conn) {
	defer client.Close()
	_ = sleep(context.Background(), p.delay)
	upstream, err := net.Dial("tcp", strings.TrimPrefix(server.Endpoint, "http://"))
	if err != nil {
		return
	}
	defer upstream.Close()
	go func() { _, _ = io.Copy(upstream, client); upstream.Close() }()
	_, _ = io.Copy(writerFunc(func(b []byte) (int, error) {
		if p.hangs.Load() {
			return len(b), nil // swallowed: the reply never comes
		}
		return client.Write(b)
	}), upstream)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// storeBehind reaches the table through the tunnel.
func storeBehind(t *testing.T, p *tunnel, table string) (*dynamostore.Store, *requestLog) {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, p.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	requests := &requestLog{RoundTripper: transport}
	return dynamostore.New(dynamostore.NewClient(server.Getenv, requests), table), requests
}

func TestAHangingTableFailsBeforeTheContextEnds(t *testing.T) {
	p := newTunnel(t, 0)
	_, table := server.Table(t)
	s, _ := storeBehind(t, p, table)
	load(t, s, 10*time.Second)
	p.hangs.Store(true)
	for _, connection := range []string{"open", "dialled again"} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		if _, err := s.Load(ctx, "jira_api", true); err == nil || ctx.Err() != nil {
			t.Errorf("%s: %v, context %v", connection, err, ctx.Err())
		}
		cancel()
	}
	p.hangs.Store(false)
	load(t, s, 10*time.Second)
}

// A cold environment must know of an open circuit even if the first connection to
// the table is slow.
func TestASlowFirstConnectionIsNotAStoreOutage(t *testing.T) {
	p := newTunnel(t, 250*time.Millisecond)
	client, table := server.Table(t)
	from := breaker.Record{State: breaker.Closed}
	now := time.Now().UnixMilli()
	to := breaker.Record{Generation: 1, Writer: "w", Epoch: 1, State: breaker.Open, OpenedAt: now, RetryAt: now + 30_000}
	if _, held, err := dynamostore.New(client, table).Change(context.Background(), "jira_api", breaker.Change{From: from, To: to}); !held || err != nil {
		t.Fatal(held, err)
	}
	cold, _ := storeBehind(t, p, table)
	b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "jira_api"}, Store: cold})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Prime(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Allow(context.Background()); !errors.Is(err, breaker.ErrOpen) {
		t.Errorf("an open circuit admits: %v", err)
	}
}

func TestARefusedConnectionIsTriedTwice(t *testing.T) {
	p := newTunnel(t, 0)
	_, table := server.Table(t)
	s, requests := storeBehind(t, p, table)
	p.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := s.Load(ctx, "jira_api", true); err == nil || ctx.Err() != nil || requests.reads.Load() != 2 {
		t.Errorf("%d attempts, %v", requests.reads.Load(), err)
	}
}

func load(t *testing.T, s *dynamostore.Store, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := s.Load(ctx, "jira_api", true); err != nil {
		t.Fatal(err)
	}
}
