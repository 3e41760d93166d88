package chaos

import (
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// The lease of a killed prober runs out, and the next call after that probes.
func TestAKilledProberBlocksNobodyBeyondItsLease(t *testing.T) {
	t.Parallel()
	h := newHarness(t, fleet.Config{Environments: 8, Settings: settings()})
	h.traffic(20)
	h.open()
	h.Dependency.Set(fleet.Behaviour{Latency: long})
	prober, probe := h.prober(time.Time{})
	prober.Kill()
	lease := time.UnixMilli(h.Last().ProbeUntil)
	if owner := h.Last().ProbeOwner; owner != prober.ID {
		t.Fatalf("the lease belongs to %q, killed was %s", owner, prober.ID)
	}
	_, next := h.prober(probe.Began)
	h.Dependency.Set(fleet.Behaviour{Latency: fast})
	if next.Began.Before(lease) {
		t.Errorf("the next probe began %s before the lease ended", lease.Sub(next.Began))
	}
	if late := next.Began.Sub(lease); late > 2*fleet.Deciding {
		t.Errorf("the next probe began %s after the lease", late)
	}
	h.untilState(breaker.Closed)
	h.everyoneServes()
}

// The outcome of a prober that was frozen beyond its lease is of an older epoch:
// it neither closes a circuit that is open again nor opens one that has closed.
func TestAProberFrozenBeyondItsLeaseIsFenced(t *testing.T) {
	t.Parallel()
	for rule, c := range map[string]struct {
		frozen, then int // the dependency's answers to the frozen probe and to others
		state        breaker.State
	}{
		"its success closes nothing": {200, 503, breaker.Open},
		"its failure opens nothing":  {503, 200, breaker.Closed},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, fleet.Config{Environments: 8, Settings: settings()})
			h.traffic(20)
			h.open()
			h.Dependency.Set(fleet.Behaviour{Status: c.frozen, Latency: long})
			prober, probe := h.prober(time.Time{})
			prober.Freeze()
			claim := h.Last()
			if claim.ProbeOwner != prober.ID {
				t.Fatalf("the lease belongs to %q, frozen is %s", claim.ProbeOwner, prober.ID)
			}
			h.Dependency.Set(fleet.Behaviour{Status: c.then, Latency: fast})
			h.until("another probe decides", func() bool {
				last := h.Last()
				return last.State == c.state && last.Generation > claim.Generation+1
			})
			thawed := time.Now()
			prober.Thaw()
			h.reported(prober, probe.Call)
			wait.Pause(t.Context(), recovery/4) // if a write of it is still running
			for _, write := range h.log().Generations() {
				if write.By(prober.ID) && write.Generation == claim.Generation+1 {
					t.Errorf("the frozen prober concluded with generation %d", write.Generation)
				}
				if !write.At.Before(thawed) && write.State != c.state && write.State != breaker.HalfOpen {
					t.Errorf("after the thaw the circuit became %s", write.State)
				}
			}
			h.Dependency.Set(fleet.Behaviour{Latency: fast})
			h.untilState(breaker.Closed)
			h.everyoneServes()
		})
	}
}
