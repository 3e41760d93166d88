package dynamostore_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

const fleetSize = 20

// Each environment of a fleet fails once, all at the same time: none is lost,
// one of them opens the circuit, and when it may be tried again one probes.
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
		if err == nil {
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

// newFleet gives environments with clients of their own, as processes have.
// Their times allow for a machine on which all share a processor.
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
