package guard

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/afex/hystrix-go/hystrix"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// operation is the only one of a test's Guard: the test's name, since hystrix's
// commands are the process's.
type testGuard struct {
	*Guard
	operation string
}

func (g testGuard) call(ctx context.Context, fn func(context.Context) error) error {
	return callWith(ctx, g, fn)
}

func call(g testGuard, fn func(context.Context) error) error {
	return callWith(context.Background(), g, fn)
}

func callWith(ctx context.Context, g testGuard, fn func(context.Context) error, options ...Option) error {
	_, err := Run(ctx, g.Guard, g.operation, func(ctx context.Context) (struct{}, error) { return struct{}{}, fn(ctx) }, options...)
	return err
}

// caller makes one call of one try.
type caller func(ctx context.Context, fn func(context.Context) error) error

// decider returns calls that our circuit decides on or, naively, hystrix's.
func decider(t *testing.T, naive bool) caller {
	t.Helper()
	if naive {
		return hystrixAlone(t, 10)
	}
	return circuitGuard(t).call
}

// circuitGuard returns a Guard whose circuit is our breaker.
func circuitGuard(t *testing.T) testGuard {
	t.Helper()
	name := freshName(t)
	g, err := New(Config{TryTimeout: tryTimeout, Operations: []string{name}, Breaker: newBreaker(t, memstore.New())})
	if err != nil {
		t.Fatal(err)
	}
	return testGuard{g, name}
}

// hystrixAlone returns calls of a hystrix command with hystrix's own defaults.
func hystrixAlone(t *testing.T, pool int) caller {
	name := freshName(t)
	hystrix.ConfigureCommand(name, hystrix.CommandConfig{Timeout: int(tryTimeout.Milliseconds()), MaxConcurrentRequests: pool})
	return func(ctx context.Context, fn func(context.Context) error) error {
		err := hystrix.DoC(ctx, name, fn, nil)
		if errors.Is(err, hystrix.ErrMaxConcurrency) {
			return ErrBusy
		}
		return err
	}
}

// newBreaker returns an environment's breaker as a connector would make it.
func newBreaker(t *testing.T, store breaker.Store) *breaker.Breaker {
	t.Helper()
	b, err := breaker.New(breaker.Config{
		Settings: breaker.Settings{Name: "jira_api", ProbeTimeout: 4 * time.Second}, Store: store, Classify: classify,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func isRejection(err error) bool {
	return errors.Is(err, breaker.ErrOpen) || errors.Is(err, hystrix.ErrCircuitOpen)
}

// mustReject returns an error if a call is let through, or fails for any reason
// but an open circuit.
func mustReject(call caller) error {
	made := false
	err := call(context.Background(), func(context.Context) error { made = true; return nil })
	if made {
		return errors.New("the call is let through")
	}
	if !isRejection(err) {
		return fmt.Errorf("not a rejection: %w", err)
	}
	return nil
}

// within waits for something that hystrix does on its own goroutines.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}
