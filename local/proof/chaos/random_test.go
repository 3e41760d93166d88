package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Fifty processes run under a random schedule of all faults, for CHAOS_SECONDS
// (12), by CHAOS_SEED (random, printed). Afterwards the circuit closes and every
// environment serves. The log of the whole run is checked.
func TestRandomFaults(t *testing.T) {
	seed := number(t, "CHAOS_SEED", rand.Uint64()>>1)
	lasts := time.Duration(number(t, "CHAOS_SECONDS", 12)) * time.Second
	t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { randomFaults(t, seed, lasts) })
}

func randomFaults(t *testing.T, seed uint64, lasts time.Duration) {
	s := settings()
	s.FailureWindow = 10 * time.Second // short enough for failures to expire
	h := newHarness(t, fleet.Config{Environments: fifty, Groups: 5, ClockSpread: s.MaxClockSkew, Settings: s})
	h.traffic(40)
	h.open()
	faults{h, rand.New(rand.NewPCG(seed, seed))}.run(lasts)
	h.Dependency.Set(fleet.Behaviour{Latency: fast})
	h.set(storeproxy.Fault{})
	for _, e := range h.Fleet.All() {
		e.Thaw()
	}
	h.untilState(breaker.Closed)
	h.everyoneServes()
	if s := h.log().Summary(); s.FleetProbes == 0 || s.Closings == 0 || s.Losses == 0 || s.Freezes == 0 {
		t.Errorf("this run has seen too little: %s", s)
	}
}

func number(t *testing.T, variable string, otherwise uint64) uint64 {
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// faults disturbs a fleet at random times.
type faults struct {
	harness
	random *rand.Rand
}

// run disturbs the fleet for d. Each round changes the dependency's behaviour,
// breaks one group's way to the store, and kills or freezes an environment,
// preferably the one that probes.
func (f faults) run(d time.Duration) {
	for ends := time.Now().Add(d); time.Now().Before(ends); {
		f.t.Log(f.dependency())
		f.t.Log(f.store())
		f.t.Log(f.environment())
		wait.Pause(f.t.Context(), f.between(300*time.Millisecond, 2*time.Second))
	}
}

func (f faults) between(low, high time.Duration) time.Duration {
	return low + time.Duration(f.random.Int64N(int64(high-low)))
}

func (f faults) dependency() string {
	behaviours := []fleet.Behaviour{
		{Latency: fast}, {Latency: fast}, {Latency: fast}, {Latency: long}, // healthy
		{Status: 503, Latency: fast}, {Status: 503, Latency: long},
		{Status: 429, Latency: fast, RetryAfter: time.Second}, {Latency: time.Hour},
	}
	b := behaviours[f.random.IntN(len(behaviours))]
	f.Dependency.Set(b)
	return fmt.Sprintf("dependency: %+v", b)
}

func (f faults) store() string {
	all := []storeproxy.Fault{
		{}, {}, {}, {}, {Mode: storeproxy.Refuse}, {Mode: storeproxy.Hang}, {Mode: storeproxy.Reset}, {Mode: storeproxy.DropReply}, {Mode: storeproxy.Duplicate},
		{Mode: storeproxy.Delay, Delay: f.between(50*time.Millisecond, 2*time.Second)},
		{Mode: storeproxy.Echo, Delay: f.between(50*time.Millisecond, 5*time.Second)},
	}
	group, fault := f.random.IntN(len(f.Stores)), all[f.random.IntN(len(all))]
	if err := f.Stores[group].Set(fault); err != nil {
		f.t.Error(err)
	}
	return fmt.Sprintf("store of group %d: %+v", group, fault)
}

func (f faults) environment() string {
	alive := slices.DeleteFunc(f.Fleet.All(), (*fleet.Environment).Dead)
	victim := alive[f.random.IntN(len(alive))]
	if probe, ok := f.Dependency.Probing(); ok && f.random.IntN(3) > 0 {
		victim = f.Fleet.Find(probe.Environment)
	}
	if f.random.IntN(2) == 0 {
		span := f.between(200*time.Millisecond, 6*time.Second) // a lease is 2.7 s
		victim.Freeze()
		time.AfterFunc(span, victim.Thaw)
		return fmt.Sprintf("%s is frozen for %s", victim.ID, span)
	}
	victim.Kill()
	if _, err := f.Fleet.Launch(); err != nil {
		f.t.Error(err)
	}
	return victim.ID + " is killed, and another starts"
}
