//go:build linux

package events

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// newTables makes the case's own, with the keys of template.yaml.
func newTables(t *testing.T) (circuits, idempotency string) {
	t.Helper()
	_, circuits = tables.Table(t)
	_, idempotency = tables.TableOf(t, "id")
	return circuits, idempotency
}

// open opens the circuit, if any, by as many failures as the defaults want. A store
// that is too slow on a busy machine keeps them out of the table, so open looks.
func open(t *testing.T, table, circuit string) {
	t.Helper()
	if circuit == "" {
		return
	}
	b := newBreaker(t, table, circuit)
	down := errors.New("down")
	for range b.Settings().FailureThreshold {
		err := b.Do(t.Context(), func(context.Context, *breaker.Permit) error { return down })
		if !errors.Is(err, down) {
			t.Fatal(err)
		}
	}
	if stats, err := b.Stats(t.Context()); err != nil || stats.State != breaker.Open {
		t.Fatalf("the circuit is %v after its failures, %v", stats.State, err)
	}
}

// override has an operator hold the circuit, if any, open.
func override(t *testing.T, table, circuit string) {
	t.Helper()
	if circuit == "" {
		return
	}
	o := breaker.Override{Mode: breaker.OverrideOpen, By: "AROAEXAMPLE:carol", Why: "it is being upgraded", Until: time.Now().Add(time.Hour)}
	if err := newBreaker(t, table, circuit).SetOverride(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func newBreaker(t *testing.T, table, circuit string) *breaker.Breaker {
	t.Helper()
	store := dynamostore.New(dynamostore.NewClient(tables.Getenv, nil), table)
	b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: circuit}, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
