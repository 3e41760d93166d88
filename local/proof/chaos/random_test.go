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

// Fifty processes under a random schedule of all that can go wrong, for
// CHAOS_SECONDS (12), by CHAOS_SEED (random, printed). Afterwards the circuit
// closes and every environment serves; what was seen meanwhile is checked.
func TestRandomFaults(t *testing.T) {
	seed := number(t, "CHAOS_SEED", rand.Uint64()>>1)
	lasts := time.Duration(number(t, "CHAOS_SECONDS", 12)) * time.Second
	t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { blowOver(t, seed, lasts) })
}

func blowOver(t *testing.T, seed uint64, lasts time.Duration) {
	s := settings()
	s.FailureWindow = 10 * time.Second // short enough for failures to expire
	w := newWorld(t, fleet.Config{Environments: fifty, Groups: 5, ClockSpread: s.MaxClockSkew, Settings: s})
	w.traffic(40)
	w.open()
	storm{w, rand.New(rand.NewPCG(seed, seed))}.blow(lasts)
	w.Dependency.Set(fleet.Behaviour{Latency: fast})
	w.set(storeproxy.Fault{})
	for _, e := range w.Fleet.All() {
		e.Thaw()
	}
	w.untilState(breaker.Closed)
	w.everyoneServes()
	if s := w.log().Summary(); s.FleetProbes == 0 || s.Closings == 0 || s.Losses == 0 || s.Freezes == 0 {
		t.Errorf("this run says little: %s", s)
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

// storm does something to the fleet now and then.
type storm struct {
	world
	random *rand.Rand
}

// blow lasts for d. Each round has the dependency do something, breaks a
// group's way to the store, and kills or freezes an environment, most of all
// the one that probes.
func (s storm) blow(d time.Duration) {
	for ends := time.Now().Add(d); time.Now().Before(ends); {
		s.t.Log(s.dependency())
		s.t.Log(s.store())
		s.t.Log(s.environment())
		wait.Pause(s.t.Context(), s.between(300*time.Millisecond, 2*time.Second))
	}
}

func (s storm) between(low, high time.Duration) time.Duration {
	return low + time.Duration(s.random.Int64N(int64(high-low)))
}

func (s storm) dependency() string {
	behaviours := []fleet.Behaviour{
		{Latency: fast}, {Latency: fast}, {Latency: fast}, {Latency: long}, // healthy
		{Status: 503, Latency: fast}, {Status: 503, Latency: long},
		{Status: 429, Latency: fast, RetryAfter: time.Second}, {Latency: time.Hour},
	}
	b := behaviours[s.random.IntN(len(behaviours))]
	s.Dependency.Set(b)
	return fmt.Sprintf("dependency: %+v", b)
}

func (s storm) store() string {
	faults := []storeproxy.Fault{
		{}, {}, {}, {}, {Mode: storeproxy.Refuse}, {Mode: storeproxy.Hang}, {Mode: storeproxy.Reset}, {Mode: storeproxy.DropReply}, {Mode: storeproxy.Duplicate},
		{Mode: storeproxy.Delay, Delay: s.between(50*time.Millisecond, 2*time.Second)},
		{Mode: storeproxy.Echo, Delay: s.between(50*time.Millisecond, 5*time.Second)},
	}
	group, f := s.random.IntN(len(s.Stores)), faults[s.random.IntN(len(faults))]
	if err := s.Stores[group].Set(f); err != nil {
		s.t.Error(err)
	}
	return fmt.Sprintf("store of group %d: %+v", group, f)
}

func (s storm) environment() string {
	alive := slices.DeleteFunc(s.Fleet.All(), (*fleet.Environment).Dead)
	victim := alive[s.random.IntN(len(alive))]
	if probe, ok := s.Dependency.Probing(); ok && s.random.IntN(3) > 0 {
		victim = s.Fleet.Find(probe.Environment)
	}
	if s.random.IntN(2) == 0 {
		span := s.between(200*time.Millisecond, 6*time.Second) // a lease is 2.7 s
		victim.Freeze()
		time.AfterFunc(span, victim.Thaw)
		return fmt.Sprintf("%s is frozen for %s", victim.ID, span)
	}
	victim.Kill()
	if _, err := s.Fleet.Launch(); err != nil {
		s.t.Error(err)
	}
	return victim.ID + " is killed, and another starts"
}
