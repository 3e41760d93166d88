package chaos

import (
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// A prober that is killed leaves its lease to run out; the next call after it
// probes.
func TestAKilledProberBlocksNobodyBeyondItsLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fleet.Config{Environments: 8, Settings: settings()})
	w.traffic(20)
	w.open()
	w.Dependency.Set(fleet.Behaviour{Latency: long})
	prober, probe := w.prober(time.Time{})
	prober.Kill()
	lease := time.UnixMilli(w.Last().ProbeUntil)
	if owner := w.Last().ProbeOwner; owner != prober.ID {
		t.Fatalf("the lease is of %q, killed was %s", owner, prober.ID)
	}
	_, next := w.prober(probe.Began)
	w.Dependency.Set(fleet.Behaviour{Latency: fast})
	if next.Began.Before(lease) {
		t.Errorf("the next probe began %s before the lease ended", lease.Sub(next.Began))
	}
	if late := next.Began.Sub(lease); late > 2*fleet.Deciding {
		t.Errorf("the next probe began %s after the lease", late)
	}
	w.untilState(breaker.Closed)
	w.everyoneServes()
}

// What a prober has to say after it was frozen beyond its lease is of an older
// time: it neither closes a circuit that is open again nor opens one that has
// closed.
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
			w := newWorld(t, fleet.Config{Environments: 8, Settings: settings()})
			w.traffic(20)
			w.open()
			w.Dependency.Set(fleet.Behaviour{Status: c.frozen, Latency: long})
			prober, probe := w.prober(time.Time{})
			prober.Freeze()
			claim := w.Last()
			if claim.ProbeOwner != prober.ID {
				t.Fatalf("the lease is of %q, frozen is %s", claim.ProbeOwner, prober.ID)
			}
			w.Dependency.Set(fleet.Behaviour{Status: c.then, Latency: fast})
			w.until("another probe decides", func() bool {
				last := w.Last()
				return last.State == c.state && last.Generation > claim.Generation+1
			})
			thawed := time.Now()
			prober.Thaw()
			w.told(prober, probe.Call)
			wait.Pause(t.Context(), recovery/4) // should a write of it be under way still
			for _, write := range w.log().Generations() {
				if write.By(prober.ID) && write.Generation == claim.Generation+1 {
					t.Errorf("the frozen prober concluded with generation %d", write.Generation)
				}
				if !write.At.Before(thawed) && write.State != c.state && write.State != breaker.HalfOpen {
					t.Errorf("after the thaw the circuit became %s", write.State)
				}
			}
			w.Dependency.Set(fleet.Behaviour{Latency: fast})
			w.untilState(breaker.Closed)
			w.everyoneServes()
		})
	}
}
