package dynamostore_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// A closed circuit costs no write and at most one read every 0.9 s. The test has
// its own clock and does not wait for it.
func TestAClosedCircuitReadsAboutOnceASecondAndWritesNothing(t *testing.T) {
	_, table := server.Table(t)
	requests := &requestLog{RoundTripper: http.DefaultTransport}
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
	reads, writes := requests.reads.Load(), requests.writes.Load()
	if writes != 0 || reads > seconds*10/9+4 { // some for requests that a busy machine sends again
		t.Errorf("%d reads and %d writes in %d s", reads, writes, seconds)
	}
}

// requestLog counts the requests to the table.
type requestLog struct {
	http.RoundTripper
	reads, writes atomic.Int32
}

func (l *requestLog) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem") {
		l.reads.Add(1)
	} else {
		l.writes.Add(1)
	}
	return l.RoundTripper.RoundTrip(r)
}

const fleetSize = 20

// Each environment of a fleet fails once, all at the same time. No failure is
// lost, one environment opens the circuit, and after the recovery time one probes.
func TestFleetOnOneTable(t *testing.T) {
	var opened atomic.Int32
	fleet := newFleet(t, &opened)
	var failing sync.WaitGroup
	failing.Add(fleetSize)
	together(fleet, func(b *breaker.Breaker) {
		err := b.Do(context.Background(), func(context.Context, *breaker.Permit) error {
			failing.Done()
			failing.Wait()
			return errors.New("down")
		})
		if errors.Is(err, breaker.ErrOpen) {
			failing.Done()
			t.Error("rejected before any call had failed")
		}
	})
	stats := statsOf(t, fleet[0])
	if stats.FailureCount != fleetSize || stats.OpenedAt == nil || opened.Load() != 1 {
		t.Errorf("%+v, opened %d times", stats, opened.Load())
	}
	for deadline := time.Now().Add(30 * time.Second); stats.State != breaker.HalfOpen; stats = statsOf(t, fleet[0]) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", stats)
		}
	}
	var probes atomic.Int32
	var decided sync.WaitGroup
	decided.Add(fleetSize)
	together(fleet, func(b *breaker.Breaker) {
		permit, err := b.Allow(context.Background())
		if err == nil && permit.Probe() { // one that knows of a single failure may still believe that the circuit is closed
			probes.Add(1)
		}
		decided.Done()
		decided.Wait() // the probe lasts until every environment has decided
		permit.Done(nil)
	})
	if probes.Load() != 1 {
		t.Errorf("%d environments probed", probes.Load())
	}
}

// newFleet returns environments with separate clients, as processes have. Their
// timeouts allow for a machine on which all share one processor.
func newFleet(t *testing.T, opened *atomic.Int32) []*breaker.Breaker {
	t.Helper()
	_, table := server.Table(t)
	config := breaker.Config{
		Settings: breaker.Settings{
			Name: "jira_api", FailureThreshold: fleetSize, RecoveryTimeout: 100 * time.Millisecond,
			StoreTimeout: 10 * time.Second, PrimeTimeout: 10 * time.Second,
		},
		Observer: breaker.Observer{Transition: func(_ context.Context, t breaker.Transition) {
			if t.To == breaker.Open {
				opened.Add(1)
			}
		}},
	}
	fleet := make([]*breaker.Breaker, fleetSize)
	for i := range fleet {
		config.Store = dynamostore.New(dynamostore.NewClient(server.Getenv, nil), table)
		b, err := breaker.New(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Prime(context.Background()); err != nil {
			t.Fatal(err)
		}
		fleet[i] = b
	}
	return fleet
}

func statsOf(t *testing.T, b *breaker.Breaker) breaker.Stats {
	t.Helper()
	stats, err := b.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func together(fleet []*breaker.Breaker, f func(*breaker.Breaker)) {
	var all sync.WaitGroup
	for _, b := range fleet {
		all.Go(func() { f(b) })
	}
	all.Wait()
}
