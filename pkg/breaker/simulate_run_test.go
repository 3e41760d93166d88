package breaker

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	simulateWrite = flag.Bool("simulate.write", false, "simulate everything, up to 50,000 environments, and write docs/simulation")
	simulateSmall = flag.Int("simulate.seeds", 10, "seeds of each simulation of a small fleet")
	simulateLarge = flag.Int("simulate.large", 3, "seeds of each simulation of 1,000 environments and more")
)

// TestSimulate holds the deployed code against the targets of a fleet, in a
// simulation: see docs/simulation.
func TestSimulate(t *testing.T) {
	if *simulateWrite {
		writeSimulation(t, max(*simulateSmall, 40), max(*simulateLarge, 5))
		return
	}
	for _, target := range simSmallTargets {
		target(*simulateSmall).check(t)
	}
	for _, target := range simScaleTargets {
		target(*simulateSmall, *simulateLarge).check(t)
	}
}

func TestSimulateSameSeedSameRun(t *testing.T) {
	run := func(seed uint64) string {
		s := twenty()
		s.seed, s.dies, s.heals = seed, 5*time.Second, 15*time.Second
		f := s.run()
		return fmt.Sprint(f.calls, f.added, f.probedAt, f.openedAt, f.closedAt, f.store.past, f.store.usage)
	}
	first := run(1)
	if again := run(1); again != first {
		t.Error("one seed gave two runs")
	}
	if run(2) == first {
		t.Error("two seeds gave one run")
	}
}
