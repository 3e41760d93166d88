package chaos

import (
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// One answer that names a time to wait opens the circuit for that time, and for
// the whole fleet.
func TestARateLimitStopsTheFleetUntilItsReset(t *testing.T) {
	t.Parallel()
	const reset = 5 * time.Second
	h := newHarness(t, fleet.Config{Environments: 10, Settings: settings()})
	h.Dependency.Set(fleet.Behaviour{Status: 429, Latency: fast, RetryAfter: reset})
	h.Fleet.Call(t.Context(), h.Fleet.All()[0])
	opened := h.Last()
	if opened.State != breaker.Open || opened.Reason != breaker.ReasonRateLimited {
		t.Fatalf("after one answer the circuit is %s (%s)", opened.State, opened.Reason)
	}
	h.Dependency.Set(fleet.Behaviour{Latency: fast})
	h.traffic(40)
	h.untilState(breaker.Closed)
	h.everyoneServes()
	for _, r := range h.Dependency.Requests()[1:] {
		if early := time.UnixMilli(opened.RetryAt).Sub(r.Began); r.Probe && early > 0 {
			t.Errorf("a probe %s before the reset", early)
		}
	}
}

// Every environment follows an override once its cached record is too old to be
// used, and stops following it when the override is cleared.
func TestTheWholeFleetFollowsAnOverride(t *testing.T) {
	t.Parallel()
	h := newHarness(t, fleet.Config{Environments: 10, Settings: settings()})
	operator, err := breaker.New(breaker.Config{Settings: settings(), Store: h.Store()})
	if err != nil {
		t.Fatal(err)
	}
	h.Dependency.Set(fleet.Behaviour{Latency: fast})
	h.traffic(40)
	h.everyoneServes()
	if err := operator.SetOverride(t.Context(), breaker.Override{Mode: breaker.OverrideOpen, By: "operator", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	wait.Pause(t.Context(), breaker.DefaultMaxAge+fleet.Deciding)
	followed := time.Now()
	for _, r := range h.Fleet.Together(t.Context(), h.Fleet.Idle()) {
		if r.Outcome != wire.Rejected {
			t.Errorf("a call was %s", r.Outcome)
		}
	}
	if err := operator.ClearOverride(t.Context(), "operator"); err != nil {
		t.Fatal(err)
	}
	cleared := time.Now()
	h.everyoneServes()
	for _, r := range h.Dependency.Requests() {
		if r.Began.After(followed) && r.Began.Before(cleared) && !r.Local {
			t.Errorf("call %d of %s reached the dependency, %s after the override", r.Call, r.Environment, r.Began.Sub(followed)+breaker.DefaultMaxAge+fleet.Deciding)
		}
	}
}
