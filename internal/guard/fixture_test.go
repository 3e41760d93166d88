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

func call(g testGuard, fn func(context.Context) error) error {
	return callWith(context.Background(), g, fn)
}

func callWith(ctx context.Context, g testGuard, fn func(context.Context) error) error {
	_, err := Run(ctx, g.Guard, g.operation, func(ctx context.Context) (struct{}, error) { return struct{}{}, fn(ctx) })
	return err
}

// decidingGuard gives a Guard whose circuit is our breaker or, without it,
// hystrix's own at its defaults.
func decidingGuard(t *testing.T, without bool) testGuard {
	t.Helper()
	c := Config{TryTimeout: tryTimeout, Operations: []string{freshName(t)}}
	off := switchedOff{neutral: true, ticket: true}
	if !without {
		c.Breaker, off = newBreaker(t, memstore.New()), switchedOff{}
	}
	g, err := newGuard(c, off)
	if err != nil {
		t.Fatal(err)
	}
	return testGuard{g, c.Operations[0]}
}

// newBreaker gives an environment's breaker as a connector would make it.
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

// mustReject gives an error if a call is let through, or fails for any reason
// but an open circuit.
func mustReject(g testGuard) error {
	made := false
	err := call(g, func(context.Context) error { made = true; return nil })
	if made {
		return errors.New("the call is let through")
	}
	if !isRejection(err) {
		return fmt.Errorf("not a rejection: %w", err)
	}
	return nil
}

// within waits for something that hystrix does on goroutines of its own.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}
