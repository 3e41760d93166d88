package breaker

import (
	"fmt"
	"time"
)

// simSweep takes figures of fleets from one size to another.
func simSweep(sizes []int, point func(n int) float64) (points []simPoint) {
	for _, n := range sizes {
		points = append(points, simPoint{float64(n), point(n)})
	}
	return points
}

var (
	simSizes = []int{10, 30, 100, 300, 1_000, 3_000, 10_000}
	simRates = []int{1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000}
)

// simSeedsFor returns large simulations fewer seeds.
func simSeedsFor(n int) int { return max(1, min(9, 3000/n)) }

func simReachPlot() simPlot {
	reach := func(failing time.Duration, alone bool) []simPoint {
		return simSweep(simSizes, func(n int) float64 {
			s := dying(simulation{environments: n, rps: float64(n), failing: failing, alone: alone})
			s.settings.ProbeTimeout, s.settings.RecoveryTimeout = max(5*time.Second, failing), time.Minute
			s.ends = s.dies + 20*time.Second + failing
			return simSeeds(simSeedsFor(n), s, simFailed)[0].median()
		})
	}
	return simPlot{
		title: "Failing calls that reach a dead dependency", x: "environments, each with one call a second", y: "calls until none reaches it",
		series: []simSeries{
			{"each env. on its own, 0.1 s", reach(100*time.Millisecond, true)},
			{"failures of 30 s; of 1 s the same", reach(30*time.Second, false)},
			{"failures of 0.1 s", reach(100*time.Millisecond, false)},
		},
	}
}

func simOpenPlot() simPlot {
	sweep := func(environments int, figure func(*simFleet) float64) []simPoint {
		return simSweep(simRates, func(rps int) float64 {
			s := dying(simulation{environments: environments, rps: float64(rps), failing: 100 * time.Millisecond})
			s.ends = s.dies + 20*time.Second
			return max(0.001, simSeeds(2*simSeedsFor(rps), s, figure)[0].median())
		})
	}
	return simPlot{
		title: "From the first failure on, failures of 0.1 s", x: "calls a second", y: "seconds",
		series: []simSeries{
			{"last failing call, 1,000 env.", sweep(1000, simDying)},
			{"open, 1,000 env.", sweep(1000, simOpening)},
			{"last failing call, 10,000 env.", sweep(10_000, simDying)},
		},
	}
}

func simProbesPlot() simPlot {
	const windowsRun = 4
	window := func(n int) simulation {
		return simulation{environments: n, rps: float64(n), settings: Settings{RecoveryTimeout: 5 * time.Second}}
	}
	each := func(figure func(*simFleet) float64) func(int) float64 {
		return func(n int) float64 {
			s, _ := windows(window(n), windowsRun)
			return simSeeds(simSeedsFor(n), s, figure)[0].median() / windowsRun
		}
	}
	writes := func(n int) float64 {
		s, written := windows(window(n), windowsRun)
		return simSeeds(simSeedsFor(n), s, written)[0].median() / windowsRun
	}
	alone := func(n int) float64 {
		s := window(n)
		s.alone, s.dies, s.ends = true, 5*time.Second, 35*time.Second
		s.plan = func(f *simFleet) { f.at(15*time.Second, func() { f.probesAlone = 0 }) }
		return simSeeds(simSeedsFor(n), s, func(f *simFleet) float64 { return float64(f.probesAlone) })[0].median() / windowsRun
	}
	return simPlot{
		title: "Probes of a dead dependency in a recovery window of 5 s", x: "environments, each with one call a second", y: "a window",
		series: []simSeries{
			{"probes, each env. on its own", simSweep(simSizes, alone)},
			{"writes, one circuit", simSweep(simSizes, writes)},
			{"probes, one circuit", simSweep(simSizes, each(simProbes))},
		},
	}
}

func simUnitsPlot() simPlot {
	sizes := []int{100, 300, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000}
	busiest := func(n int, copies int, from, to time.Duration) float64 {
		s := outage(n)
		s.copies = copies
		f := s.run()
		most := simPeak(f.store.usage, from, to).reads
		for _, c := range f.store.copies {
			most = max(most, simPeak(c.usage, from, to).reads)
		}
		return most
	}
	return simPlot{
		title: "Read units of the item in the busiest second", x: "environments, each with one call a second", y: "units a second",
		limit: simReadUnits, limitName: "what one partition gives: 3,000",
		series: []simSeries{
			{"outage of hanging calls", simSweep(sizes, func(n int) float64 { return busiest(n, 0, 0, time.Minute) })},
			{"healthy", simSweep(sizes, func(n int) float64 { return busiest(n, 0, time.Second, 3*time.Second) })},
			{"outage, one copy per 5,000", simSweep(sizes, func(n int) float64 { return busiest(n, simCopies(n), 0, time.Minute) })},
		},
	}
}

// simCopies is the proposed number of read copies: none while one item suffices.
func simCopies(environments int) int {
	if environments <= 5_000 {
		return 0
	}
	return (environments + 4_999) / 5_000
}

// simVariant is one way of keeping the item's reads down.
type simVariant struct {
	name   string
	change func(*simulation)
}

var simVariants = []simVariant{
	{"as it is", func(*simulation) {}},
	{"closed records trusted for 2 s", func(s *simulation) {
		s.settings.RefreshAfter, s.settings.MaxAge = 2*time.Second, 2400*time.Millisecond
	}},
	{"half-open records read again after half their lease's age", func(s *simulation) { s.patient = true }},
	{"both", func(s *simulation) {
		s.patient = true
		s.settings.RefreshAfter, s.settings.MaxAge = 2*time.Second, 2400*time.Millisecond
	}},
	{"2 read copies", func(s *simulation) { s.copies = 2 }},
	{"4 read copies", func(s *simulation) { s.copies = 4 }},
	{"2 read copies, to one of which no winner ever gets", func(s *simulation) { s.copies, s.lost = 2, 1 }},
}

// simVariantRow is what a variant does for a fleet through an outage, and what
// when the partition gives no more than it has.
func simVariantRow(v simVariant, s simulation) string {
	v.change(&s)
	free := s.run()
	s.limited = true
	held := s.run()
	item := simPeak(free.store.usage, 0, time.Minute)
	copies := simBusiestCopy(free)
	return fmt.Sprintf("| %s | %s | %.0f | %.0f, %.0f | %.0f | %d | %d | %d | %d | %.2f |\n",
		v.name, s.failing, item.reads, copies.reads, copies.writes, item.writes, simPeak(held.store.usage, 0, time.Minute).throttled,
		free.failed, held.failed, held.mostProbing, simClosing(held))
}

func simBusiestCopy(f *simFleet) (most simUsage) {
	for _, c := range f.store.copies {
		u := simPeak(c.usage, 0, time.Minute)
		most.reads, most.writes = max(most.reads, u.reads), max(most.writes, u.writes)
	}
	return most
}

// simLargestRow runs a fleet on as many copies as proposed.
func simLargestRow(n int) string {
	s := outage(n)
	s.copies = simCopies(n)
	f := s.run()
	copies, item := simBusiestCopy(f), simPeak(f.store.usage, 0, time.Minute)
	return fmt.Sprintf("| %d | %d | %.0f, %.0f | %.0f | %.0f | %d | %.2f |\n", n, s.copies, copies.reads, copies.writes, item.reads, item.writes, f.mostProbing, simClosing(f))
}

// simFullRow is the size at which a fleet fills the item. Units grow with the
// fleet, so that it is reckoned from a smaller one and tried.
func simFullRow(each float64) string {
	row := fmt.Sprintf("| %g |", each)
	for _, phase := range [][2]time.Duration{{time.Second, 3 * time.Second}, {3 * time.Second, time.Minute}} {
		used := func(n int) float64 {
			s := outage(n)
			s.rps = each * float64(n)
			return simPeak(s.run().store.usage, phase[0], phase[1]).reads
		}
		full := 1_000
		for range 2 {
			full = int(simReadUnits / used(full) * float64(full))
		}
		row += fmt.Sprintf(" %d | %.0f |", full, used(full))
	}
	return row + "\n"
}

// simRetriesRow is what failures' latency and retries do to a fleet.
func simRetriesRow(seeds, environments int, rps float64, failing time.Duration, tries int) string {
	s := dying(simulation{environments: environments, rps: rps, failing: failing, tries: tries})
	s.settings.ProbeTimeout, s.settings.RecoveryTimeout = max(5*time.Second, failing), 5*time.Minute
	s.ends = s.dies + 2*time.Minute + time.Duration(tries)*failing
	figures := simSeeds(seeds, s, simFailed, simOpening, simDying)
	return fmt.Sprintf("| %d, %g | %s | %d | %s | %s | %s |\n", environments, rps, failing, tries, figures[0], figures[1], figures[2])
}
