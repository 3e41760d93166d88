package breaker

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// simRow is one target of a fleet and what the simulation says of it.
type simRow struct {
	what, target, measured string
	met                    bool
	// missed says why the target is not met. A row that has it and meets the
	// target after all fails the test as well: the explanation is out of date.
	missed string
}

func (r simRow) check(t *testing.T) {
	t.Helper()
	switch {
	case !r.met && r.missed == "":
		t.Errorf("%s: want %s, is %s", r.what, r.target, r.measured)
	case r.met && r.missed != "":
		t.Errorf("%s: %s is met by %s, though it is said: %s", r.what, r.target, r.measured, r.missed)
	}
	t.Logf("%-70s | %-40s | %s", r.what, r.target, r.measured)
}

// simSample is one figure of several seeds' runs.
type simSample []float64

// simSeeds runs a simulation once for each seed and takes a figure of each run.
func simSeeds(seeds int, s simulation, figures ...func(*simFleet) float64) []simSample {
	samples := make([]simSample, len(figures))
	for seed := range seeds {
		s.seed = uint64(seed + 1)
		f := s.run()
		for i, figure := range figures {
			samples[i] = append(samples[i], figure(f))
		}
	}
	return samples
}

// at is the sample's value at a quantile.
func (s simSample) at(quantile float64) float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(int(quantile*float64(len(sorted))), len(sorted)-1)]
}

func (s simSample) median() float64 { return s.at(0.5) }
func (s simSample) worst() float64  { return slices.Max(s) }

func (s simSample) String() string {
	return fmt.Sprintf("median %s, p95 %s, worst %s", simNumber(s.median()), simNumber(s.at(0.95)), simNumber(s.worst()))
}

// simNumber returns what is below 100 two significant digits.
func simNumber(x float64) string {
	if x < 100 {
		return fmt.Sprintf("%.2g", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// Figures of a run. Times are in seconds.

func simFailed(f *simFleet) float64 { return float64(f.failed) }

// simDying is from the end of the first failing call, when it is known to have
// failed, until the last one begins.
func simDying(f *simFleet) float64 { return max(0, simSeconds(f.lastFailed-f.firstFailed)) }

// simOpening is from the first failing call's end until the circuit is open.
func simOpening(f *simFleet) float64 { return simSeconds(f.openedAt[0] - f.firstFailed) }

// simClosing is from when the circuit could have closed until it did.
func simClosing(f *simFleet) float64 {
	if len(f.closedAt) == 0 {
		return simSeconds(f.now)
	}
	return simSeconds(f.closedAt[0] - max(us(simBegin+f.heals), f.retryAt))
}

func simProbes(f *simFleet) float64      { return float64(f.probes) }
func simMostProbing(f *simFleet) float64 { return float64(f.mostProbing) }

func simSeconds(us int64) float64 { return time.Duration(us * 1000).Seconds() }

func simPercent(part, whole int) float64 { return 100 * float64(part) / float64(whole) }
