package dynamostore_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// tunnel is a TCP proxy in front of the server whose faults can be switched.
type tunnel struct {
	net.Listener
	connectDelay time.Duration
	hangs        atomic.Bool
}

func newTunnel(t *testing.T, connectDelay time.Duration) *tunnel {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tunnel{Listener: l, connectDelay: connectDelay}
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

// storeBehind reaches the table through the tunnel, dialling as slowly as a
// handshake takes.
func storeBehind(t *testing.T, p *tunnel, count *atomic.Int32) *dynamostore.Store {
	t.Helper()
	_, table := newTable(t)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		select {
		case <-time.After(p.connectDelay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return (&net.Dialer{}).DialContext(ctx, network, p.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return dynamostore.New(dynamostore.NewClient(server.Getenv, countingTransport{transport, count}), table)
}

type countingTransport struct {
	http.RoundTripper
	count *atomic.Int32
}

func (c countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	c.count.Add(1)
	return c.RoundTripper.RoundTrip(r)
}

func load(s *dynamostore.Store, limit time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	began := time.Now()
	_, err := s.Load(ctx, "jira_api", true)
	return time.Since(began), err
}

func TestHangingTableCostsAThirdOfTheLimit(t *testing.T) {
	p := newTunnel(t, 0)
	var count atomic.Int32
	s := storeBehind(t, p, &count)
	if _, err := load(s, time.Second); err != nil {
		t.Fatal(err)
	}
	p.hangs.Store(true)
	for _, connection := range []string{"open", "dialled again"} {
		if took, err := load(s, 300*time.Millisecond); err == nil || took > 180*time.Millisecond {
			t.Errorf("%s: %s, %v", connection, took, err)
		}
	}
}

func TestSlowHandshakeIsNoOutage(t *testing.T) {
	p := newTunnel(t, 150*time.Millisecond)
	var count atomic.Int32
	s := storeBehind(t, p, &count)
	if took, err := load(s, 300*time.Millisecond); err != nil || took < 150*time.Millisecond {
		t.Errorf("%s, %v", took, err)
	}
}

func TestRefusedTableIsAnErrorAtOnceAfterTwoAttempts(t *testing.T) {
	p := newTunnel(t, 0)
	var count atomic.Int32
	s := storeBehind(t, p, &count)
	p.Close()
	if took, err := load(s, 300*time.Millisecond); err == nil || took > 100*time.Millisecond || count.Load() != 2 {
		t.Errorf("%s, %d attempts, %v", took, count.Load(), err)
	}
}

func TestRepeatedChangeAfterALostReplyHolds(t *testing.T) {
	_, table := newTable(t)
	lose := &replyLoser{}
	s := dynamostore.New(dynamostore.NewClient(server.Getenv, lose), table)
	to := breaker.Record{Generation: 1, Writer: "w", Epoch: 1, State: breaker.Open}
	lose.next.Store(true)
	got, held, err := s.Change(context.Background(), "jira_api", breaker.Change{From: breaker.Record{State: breaker.Closed}, To: to})
	if err != nil || !held || got.Writer != "w" || lose.lost.Load() != 1 {
		t.Errorf("%+v, held %v, %v, lost %d", got, held, err, lose.lost.Load())
	}
}

// replyLoser loses a reply after the server has committed.
type replyLoser struct {
	next atomic.Bool
	lost atomic.Int32
}

func (l *replyLoser) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && l.next.CompareAndSwap(true, false) {
		l.lost.Add(1)
		res.Body.Close()
		return nil, &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	}
	return res, err
}

// The promise of the healthy path, on the real adapter: no write, and one read
// a second at most. The clock is the test's, so that a minute takes none.
func TestHealthyPathReadsOnceASecondAndWritesNothing(t *testing.T) {
	_, table := newTable(t)
	requests := &requestLog{}
	store := dynamostore.New(dynamostore.NewClient(server.Getenv, requests), table)
	clock := time.UnixMilli(1_800_000_000_000)
	var mu sync.Mutex
	b, err := breaker.New(breaker.Config{
		Settings: breaker.Settings{Name: "jira_api"}, Store: store,
		Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Prime(context.Background()); err != nil {
		t.Fatal(err)
	}
	const seconds, rate = 60, 100
	for range seconds * rate {
		mu.Lock()
		clock = clock.Add(time.Second / rate)
		mu.Unlock()
		if err := b.Do(context.Background(), func(context.Context, *breaker.Permit) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	// One beside a call whenever the record is older than 0.85 s, and the first.
	reads, writes := requests.counts()
	if writes != 0 || reads > seconds*100/86+1 {
		t.Errorf("%d reads and %d writes in %d s", reads, writes, seconds)
	}
}

type requestLog struct{ reads, writes atomic.Int32 }

func (l *requestLog) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem") {
		l.reads.Add(1)
	} else {
		l.writes.Add(1)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (l *requestLog) counts() (reads, writes int32) { return l.reads.Load(), l.writes.Load() }
