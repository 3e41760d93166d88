package chaos

import (
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// outage is how long the store is broken, once with a healthy dependency and
// once with a dead one.
const outage = 2 * time.Second

// Whatever the store does, calls to a healthy dependency are served, and few
// reach a dead one: from each environment its threshold, and one more for each
// recovery time.
func TestABrokenStoreRejectsNobodyAndLeavesTheDependencyProtected(t *testing.T) {
	t.Parallel()
	for rule, fault := range map[string]storeproxy.Fault{
		"it refuses connections":       {Mode: storeproxy.Refuse},
		"it hangs":                     {Mode: storeproxy.Hang},
		"it is slow":                   {Mode: storeproxy.Delay, Delay: 250 * time.Millisecond},
		"it is too slow":               {Mode: storeproxy.Delay, Delay: 5 * time.Second},
		"its replies are dropped":      {Mode: storeproxy.DropReply},
		"connections are reset":        {Mode: storeproxy.Reset},
		"requests are performed twice": {Mode: storeproxy.Duplicate},
		"requests are echoed later":    {Mode: storeproxy.Echo, Delay: 700 * time.Millisecond},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			const environments = 8
			h := newHarness(t, fleet.Config{Environments: environments, Settings: settings()})
			h.traffic(40)
			h.Dependency.Set(fleet.Behaviour{Latency: fast})
			h.set(fault)
			wait.Pause(t.Context(), outage)
			if s := h.log().Summary(); s.Rejected+s.Failed > 0 || s.Served == 0 {
				t.Errorf("with a healthy dependency: %s", s)
			}
			died := time.Now()
			h.Dependency.Set(fleet.Behaviour{Status: 503, Latency: fast})
			wait.Pause(t.Context(), outage)
			h.set(storeproxy.Fault{})
			if got, most := h.reached(died), environments*(breaker.DefaultFailureThreshold+1+int(outage/recovery)); got > most {
				t.Errorf("%d calls reached a dead dependency, want at most %d", got, most)
			}
			h.Dependency.Set(fleet.Behaviour{Latency: fast})
			h.until("the circuit is closed", func() bool { return h.Last().State == breaker.Closed })
			h.everyoneServes()
		})
	}
}

// An environment that is cut off protects the dependency alone. It uses the
// fleet's record again as soon as it can read it.
func TestAPartOfTheFleetThatLosesTheStoreRejoinsIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t, fleet.Config{Environments: 10, Groups: 2, Settings: settings()})
	h.traffic(40)
	h.Dependency.Set(fleet.Behaviour{Latency: fast})
	if err := h.Stores[0].Set(storeproxy.Fault{Mode: storeproxy.Refuse}); err != nil {
		t.Fatal(err)
	}
	h.until("a group is cut off", func() bool { return h.log().Summary().Losses == 5 })
	h.open()
	if err := h.Stores[0].Set(storeproxy.Fault{}); err != nil {
		t.Fatal(err)
	}
	h.until("the group is back", func() bool { return h.returns() >= 5 })
	h.Dependency.Set(fleet.Behaviour{Latency: fast})
	h.untilState(breaker.Closed)
	h.everyoneServes()
}

// A dependency that fails and recovers again and again opens and closes the
// circuit each time.
func TestAFlappingDependency(t *testing.T) {
	t.Parallel()
	const flaps = 4
	h := newHarness(t, fleet.Config{Environments: 12, Settings: settings(), ClockSpread: 100 * time.Millisecond})
	h.traffic(40)
	for range flaps {
		h.open()
		wait.Pause(t.Context(), recovery/2)
		h.Dependency.Set(fleet.Behaviour{Latency: fast})
		wait.Pause(t.Context(), recovery)
	}
	h.untilState(breaker.Closed)
	h.everyoneServes()
	if s := h.log().Summary(); s.Openings < flaps {
		t.Errorf("%d openings, want at least %d", s.Openings, flaps)
	}
}

func (h harness) set(f storeproxy.Fault) {
	h.t.Helper()
	if err := h.Break(f); err != nil {
		h.t.Fatal(err)
	}
}

// reached counts the requests at the dependency from an instant on.
func (h harness) reached(from time.Time) (n int) {
	for _, r := range h.Dependency.Requests() {
		if !r.Began.Before(from) {
			n++
		}
	}
	return n
}

func (h harness) returns() (n int) {
	for _, r := range h.Fleet.Reports() {
		if r.Kind == wire.Returned {
			n++
		}
	}
	return n
}
