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

// outage is how long a store is broken, once with a healthy dependency and once
// with a dead one.
const outage = 2 * time.Second

// Whatever the store does, a healthy dependency's calls are served, and a dead
// one's are few: each environment alone lets its threshold through, and one
// more for each recovery time.
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
			w := newWorld(t, fleet.Config{Environments: environments, Settings: settings()})
			w.traffic(40)
			w.Dependency.Set(fleet.Behaviour{Latency: fast})
			w.set(fault)
			wait.Pause(t.Context(), outage)
			if s := w.log().Summary(); s.Rejected+s.Failed > 0 || s.Served == 0 {
				t.Errorf("with a healthy dependency: %s", s)
			}
			died := time.Now()
			w.Dependency.Set(fleet.Behaviour{Status: 503, Latency: fast})
			wait.Pause(t.Context(), outage)
			w.set(storeproxy.Fault{})
			if got, most := w.reached(died), environments*(breaker.DefaultFailureThreshold+1+int(outage/recovery)); got > most {
				t.Errorf("%d calls reached a dead dependency, want at most %d", got, most)
			}
			w.Dependency.Set(fleet.Behaviour{Latency: fast})
			w.until("the circuit is closed", func() bool { return w.Last().State == breaker.Closed })
			w.everyoneServes()
		})
	}
}

// An environment that is cut off protects the dependency alone, and what the
// fleet knows is its own again as soon as it can be read.
func TestAPartOfTheFleetThatLosesTheStoreRejoinsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fleet.Config{Environments: 10, Groups: 2, Settings: settings()})
	w.traffic(40)
	w.Dependency.Set(fleet.Behaviour{Latency: fast})
	if err := w.Stores[0].Set(storeproxy.Fault{Mode: storeproxy.Refuse}); err != nil {
		t.Fatal(err)
	}
	w.until("a group is cut off", func() bool { return w.log().Summary().Losses == 5 })
	w.open()
	if err := w.Stores[0].Set(storeproxy.Fault{}); err != nil {
		t.Fatal(err)
	}
	w.until("the group is back", func() bool { return w.returns() >= 5 })
	w.Dependency.Set(fleet.Behaviour{Latency: fast})
	w.untilState(breaker.Closed)
	w.everyoneServes()
}

// A dependency that comes and goes opens and closes the circuit, and each time
// by the rules.
func TestAFlappingDependency(t *testing.T) {
	t.Parallel()
	const flaps = 4
	w := newWorld(t, fleet.Config{Environments: 12, Settings: settings(), ClockSpread: 100 * time.Millisecond})
	w.traffic(40)
	for range flaps {
		w.open()
		wait.Pause(t.Context(), recovery/2)
		w.Dependency.Set(fleet.Behaviour{Latency: fast})
		wait.Pause(t.Context(), recovery)
	}
	w.untilState(breaker.Closed)
	w.everyoneServes()
	if s := w.log().Summary(); s.Openings < flaps {
		t.Errorf("%d openings, want at least %d", s.Openings, flaps)
	}
}

func (w world) set(f storeproxy.Fault) {
	w.t.Helper()
	if err := w.Break(f); err != nil {
		w.t.Fatal(err)
	}
}

// reached counts the requests at the dependency from an instant on.
func (w world) reached(from time.Time) (n int) {
	for _, r := range w.Dependency.Requests() {
		if !r.Began.Before(from) {
			n++
		}
	}
	return n
}

func (w world) returns() (n int) {
	for _, r := range w.Fleet.Reports() {
		if r.Kind == wire.Returned {
			n++
		}
	}
	return n
}
