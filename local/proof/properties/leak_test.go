package properties

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// shift is a clock that a test moves, and a breaker on it.
type shift struct {
	*breaker.Breaker
	by atomic.Int64
}

func newShift(t *testing.T, store breaker.Store) *shift {
	t.Helper()
	s := new(shift)
	var err error
	s.Breaker, err = breaker.New(breaker.Config{
		Settings: breaker.Settings{Name: "jira_api", FailureThreshold: 2, SuccessThreshold: 1, ProbeTimeout: time.Second},
		Store:    store, Rand: func() uint64 { return 0 },
		Now: func() time.Time { return time.Now().Add(time.Duration(s.by.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// calls are all ways in which an environment does something. They are made in
// this order, in which the circuit goes from closed to closed.
var calls = []struct {
	name  string
	later time.Duration // than the one before
	make  func(*breaker.Breaker)
}{
	{"the first read", 0, func(b *breaker.Breaker) { _ = b.Prime(context.Background()) }},
	{"a call from the cache", 0, do(nil)},
	{"a call with a background read", 1100 * time.Millisecond, do(nil)},
	{"a call after a read", time.Minute, do(nil)},
	{"a call whose caller is gone", time.Minute, func(b *breaker.Breaker) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = b.Do(ctx, func(ctx context.Context, _ *breaker.Permit) error { return ctx.Err() })
	}},
	{"a failure", 0, do(errDown)},
	{"the failure that opens", 0, do(errDown)},
	{"a rejection", 0, do(nil)},
	{"a failed probe", time.Minute, do(errDown)},
	{"a probe that asks and closes", time.Minute, func(b *breaker.Breaker) {
		_ = b.Do(context.Background(), func(ctx context.Context, p *breaker.Permit) error { return p.Check(ctx) })
	}},
	{"a question whether to retry", time.Minute, func(b *breaker.Breaker) {
		_ = b.Do(context.Background(), func(ctx context.Context, p *breaker.Permit) error { return p.Check(ctx) })
	}},
	{"a monitor's read", 0, func(b *breaker.Breaker) { _, _ = b.Stats(context.Background()) }},
	{"an override", 0, func(b *breaker.Breaker) {
		_ = b.SetOverride(context.Background(), breaker.Override{
			Mode: breaker.OverrideDisabled, By: "someone", Until: time.Now().Add(breaker.MaxOverride / 2),
		})
	}},
	{"a call under it", 0, do(errDown)},
	{"its end", 0, func(b *breaker.Breaker) { _ = b.ClearOverride(context.Background(), "someone") }},
	{"a look at the history", 0, func(b *breaker.Breaker) { _, _ = b.History(context.Background(), 10) }},
	{"a panic", 0, func(b *breaker.Breaker) {
		defer func() { _ = recover() }()
		_ = b.Do(context.Background(), func(context.Context, *breaker.Permit) error { panic("boom") })
	}},
}

func do(result error) func(*breaker.Breaker) {
	return func(b *breaker.Breaker) {
		_ = b.Do(context.Background(), func(context.Context, *breaker.Permit) error { return result })
	}
}

// ofTransport are the goroutines of idle connections, which net/http keeps.
var ofTransport = []goleak.Option{
	goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
	goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
}

func TestNoGoroutineOutlivesACall(t *testing.T) {
	t.Run("memory", func(t *testing.T) { wantNoGoroutines(t, memstore.New()) })
	t.Run("DynamoDB", func(t *testing.T) {
		client, table := server.Table(t)
		wantNoGoroutines(t, dynamostore.New(client, table), ofTransport...)
	})
	figure("leaks: no goroutine outlives a call", "%d kinds of call, on memory and on DynamoDB", len(calls))
}

func wantNoGoroutines(t *testing.T, store breaker.Store, known ...goleak.Option) {
	known = append(known, goleak.IgnoreCurrent())
	b := newShift(t, store)
	for _, c := range calls {
		b.by.Add(int64(c.later))
		c.make(b.Breaker)
		if err := goleak.Find(known...); err != nil {
			t.Errorf("%s leaves something: %v", c.name, err)
		}
	}
}

func TestLeakIsFound(t *testing.T) {
	leaks := make(chan struct{})
	known := goleak.IgnoreCurrent()
	go func() { <-leaks }()
	if goleak.Find(known) == nil {
		t.Error("not found")
	}
	close(leaks)
}

// counted counts the operations on a store.
type counted struct {
	breaker.Store
	operations atomic.Int64
}

func (s *counted) Load(ctx context.Context, circuit string, consistent bool) (breaker.Record, error) {
	s.operations.Add(1)
	return s.Store.Load(ctx, circuit, consistent)
}

func (s *counted) AppendFailure(ctx context.Context, circuit string, f breaker.Failure) (breaker.Record, bool, error) {
	s.operations.Add(1)
	return s.Store.AppendFailure(ctx, circuit, f)
}

func (s *counted) Change(ctx context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	s.operations.Add(1)
	return s.Store.Change(ctx, circuit, c)
}

func (s *counted) PruneFailures(ctx context.Context, circuit string, epoch int64, ids []breaker.FailureID) (breaker.Record, bool, error) {
	s.operations.Add(1)
	return s.Store.PruneFailures(ctx, circuit, epoch, ids)
}

func (s *counted) PutTransition(ctx context.Context, circuit string, t breaker.Transition) error {
	s.operations.Add(1)
	return s.Store.PutTransition(ctx, circuit, t)
}

// way is a transport that answers every request by one function.
type way func(*http.Request) (*http.Response, error)

func (w way) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

// For an hour after a call has returned nothing is done: there is no poller and no
// active timer. A synctest bubble ends only after all its goroutines.
func TestNothingIsDoneAfterACall(t *testing.T) {
	environment := func(name string) string { return map[string]string{"AWS_REGION": "us-east-1"}[name] }
	on := func(w way) breaker.Store { return dynamostore.New(dynamostore.NewClient(environment, w), "circuits") }
	stores := map[string]breaker.Store{
		"memory":              memstore.New(),
		"a table that hangs":  on(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }),
		"a table that fails":  on(func(*http.Request) (*http.Response, error) { return nil, errors.New("down") }),
		"a table that is new": on((&table{item: "{}"}).RoundTrip),
	}
	figure("leaks: nothing is done within an hour after a call", "%d kinds of call, on %d stores", len(calls), len(stores))
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &counted{Store: store}
				for _, call := range busyAfter(t, store, &store.operations) {
					t.Errorf("something is done within an hour after %s", call)
				}
				if store.operations.Load() == 0 {
					t.Error("no operation was made")
				}
			})
		})
	}
	t.Run("a poller is found", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store := &counted{Store: memstore.New()}
			if len(busyAfter(t, poller{store}, &store.operations)) == 0 {
				t.Error("not found")
			}
		})
	})
}

// busyAfter names the calls after which operations follow within an hour.
func busyAfter(t *testing.T, store breaker.Store, operations *atomic.Int64) []string {
	t.Helper()
	var busy []string
	b := newShift(t, store)
	for _, c := range calls {
		b.by.Add(int64(c.later))
		c.make(b.Breaker)
		before := operations.Load()
		time.Sleep(time.Hour)
		b.by.Add(-int64(time.Hour)) // not for the breaker
		if operations.Load() != before {
			busy = append(busy, c.name)
		}
	}
	return busy
}

// poller is a store that reads again a minute after each change.
type poller struct{ *counted }

func (p poller) Change(ctx context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	time.AfterFunc(time.Minute, func() { _, _ = p.Load(context.WithoutCancel(ctx), circuit, false) })
	return p.counted.Change(ctx, circuit, c)
}

// ofHystrix are the goroutines that hystrix-go starts once for each command,
// for the life of the process.
var ofHystrix = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/afex/hystrix-go/hystrix.(*metricExchange).Monitor"),
	goleak.IgnoreAnyFunction("github.com/afex/hystrix-go/hystrix.(*poolMetrics).Monitor"),
}

func TestOnlyHystrixOutlivesAGuardedCall(t *testing.T) {
	known := append(ofHystrix, goleak.IgnoreCurrent())
	b := newShift(t, memstore.New())
	g, err := guard.New(guard.Config{Breaker: b.Breaker, TryTimeout: 20 * time.Millisecond, Operations: []string{"prove.leak"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		call func(context.Context) (int, error)
	}{
		{"a success", func(context.Context) (int, error) { return 1, nil }},
		{"a failure", func(context.Context) (int, error) { return 0, errDown }},
		{"a call that runs out of time", func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }},
		{"a rejection", func(context.Context) (int, error) { return 1, nil }},
	} {
		_, err := guard.Run(context.Background(), g, "prove.leak", c.call)
		if c.name == "a rejection" && !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := goleak.Find(known...); err != nil {
			t.Errorf("%s leaves something: %v", c.name, err)
		}
	}
}
