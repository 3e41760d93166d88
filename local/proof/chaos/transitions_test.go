package chaos

import (
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// A dependency that says how long to stop opens the circuit by one answer, for
// the whole fleet and for that time.
func TestARateLimitStopsTheFleetUntilItsReset(t *testing.T) {
	t.Parallel()
	const reset = 5 * time.Second
	w := newWorld(t, fleet.Config{Environments: 10, Settings: settings()})
	w.Dependency.Set(fleet.Behaviour{Status: 429, Latency: fast, RetryAfter: reset})
	w.Fleet.Call(t.Context(), w.Fleet.All()[0])
	opened := w.Last()
	if opened.State != breaker.Open || opened.Reason != breaker.ReasonRateLimited {
		t.Fatalf("after one answer the circuit is %s (%s)", opened.State, opened.Reason)
	}
	w.Dependency.Set(fleet.Behaviour{Latency: fast})
	w.traffic(40)
	w.untilState(breaker.Closed)
	w.everyoneServes()
	for _, r := range w.Dependency.Requests()[1:] {
		if early := time.UnixMilli(opened.RetryAt).Sub(r.Began); r.Probe && early > 0 {
			t.Errorf("a probe %s before the reset", early)
		}
	}
}

// Who overrides the circuit is obeyed by every environment as soon as records
// are too old to be trusted, and no longer than wished.
func TestAnOverrideIsObeyedByTheFleet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fleet.Config{Environments: 10, Settings: settings()})
	operator, err := breaker.New(breaker.Config{Settings: settings(), Store: w.Store()})
	if err != nil {
		t.Fatal(err)
	}
	w.Dependency.Set(fleet.Behaviour{Latency: fast})
	w.traffic(40)
	w.everyoneServes()
	if err := operator.SetOverride(t.Context(), breaker.Override{Mode: breaker.OverrideOpen, By: "operator", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	wait.Pause(t.Context(), breaker.DefaultMaxAge+fleet.Deciding)
	obeyed := time.Now()
	for _, r := range w.Fleet.Together(t.Context(), w.Fleet.Idle()) {
		if r.Outcome != wire.Rejected {
			t.Errorf("a call was %s", r.Outcome)
		}
	}
	if err := operator.ClearOverride(t.Context(), "operator"); err != nil {
		t.Fatal(err)
	}
	cleared := time.Now()
	w.everyoneServes()
	for _, r := range w.Dependency.Requests() {
		if r.Began.After(obeyed) && r.Began.Before(cleared) && !r.Local {
			t.Errorf("call %d of %s reached the dependency, %s after the override", r.Call, r.Environment, r.Began.Sub(obeyed)+breaker.DefaultMaxAge+fleet.Deciding)
		}
	}
}
