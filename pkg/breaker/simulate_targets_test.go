package breaker

import (
	"fmt"
	"slices"
	"time"
)

// twenty is the fleet that the peers were measured with: 20 environments, 50
// calls a second, threshold 5, two successes, a dependency of 20 ms, no retries.
func twenty() simulation {
	return simulation{
		environments: 20, rps: 50, ends: 30 * time.Second,
		settings: Settings{RecoveryTimeout: 5 * time.Second},
	}
}

// simSmallTargets are the rows about the algorithm that peers were measured on,
// each as one function of the number of seeds.
var simSmallTargets = []func(seeds int) simRow{
	simHealthy, simHealthyBusy, simDies, simDiesTime, simReadFirst, simReadFirstTime, simAtOnce,
	simSixWindows, simHealed, simHealedSlow, simKilled, simLateSuccess, simExpiredProbe, simLateFailure,
	simStoreHangs, simStoreRefuses,
}

func simHealthy(seeds int) simRow {
	r := simHealthRow(seeds, twenty())
	r.missed = "with 2.5 calls a second and environment at random times, a read by the first call after 0.9 s is 1 / (1 + 2.5 × 0.9) reads a call, and the 0.3 s in which a read runs in the background are often without one"
	return r
}

func simHealthyBusy(seeds int) simRow {
	s := twenty()
	s.rps = 100
	return simHealthRow(seeds, s)
}

func simHealthRow(seeds int, s simulation) simRow {
	figures := simSeeds(seeds, s,
		func(f *simFleet) float64 { return float64(f.store.reads-f.environments) / float64(f.admitted) },
		func(f *simFleet) float64 { return float64(f.store.writes.total()) },
		func(f *simFleet) float64 { return simPercent(f.waited, f.admitted) },
		func(f *simFleet) float64 { return simAdded(f, 0.9) },
	)
	reads, writes, waits, p90 := figures[0].worst(), figures[1].worst(), figures[2].worst(), figures[3].worst()
	return simRow{
		what:     fmt.Sprintf("healthy, %g calls/s and environment: reads and writes a call, calls that wait for a read, p90 of the wait", s.rps/float64(s.environments)),
		target:   "at most 0.2 and 0, 5 %, 0.1 ms",
		measured: fmt.Sprintf("%.2f and %g, %.1f %%, %.2g ms", reads, writes, waits, p90),
		met:      reads <= 0.2 && writes == 0 && waits <= 5 && p90 <= 0.1,
	}
}

func dying(s simulation) simulation {
	s.dies, s.ends = 10*time.Second, 15*time.Second
	s.settings.RecoveryTimeout = 30 * time.Second
	return s
}

func readFirst(s simulation) simulation {
	s.settings.MaxAge = -1
	return s
}

func simDies(seeds int) simRow { return simFailedRow(seeds, "dependency dies", twenty(), 16, 24) }
func simReadFirst(seeds int) simRow {
	return simFailedRow(seeds, "the same, reading first", readFirst(twenty()), 7, 12)
}

func simFailedRow(seeds int, what string, s simulation, median, worst float64) simRow {
	failed := simSeeds(20*seeds, dying(s), simFailed)[0]
	return simRow{
		what:     what + ": failing calls that reach it",
		target:   fmt.Sprintf("median at most %g, worst %g", median, worst),
		measured: failed.String(),
		met:      failed.median() <= median && failed.worst() <= worst,
	}
}

func simDiesTime(seeds int) simRow { return simDyingRow(seeds, "dependency dies", twenty(), 0.7, 1.1) }
func simReadFirstTime(seeds int) simRow {
	return simDyingRow(seeds, "the same, reading first", readFirst(twenty()), 0.1, 0.2)
}

func simDyingRow(seeds int, what string, s simulation, median, p95 float64) simRow {
	last := simSeeds(20*seeds, dying(s), simDying)[0]
	return simRow{
		what:     what + ": first failure to last failing call, s",
		target:   fmt.Sprintf("median at most %g, p95 %g", median, p95),
		measured: last.String(),
		met:      last.median() <= median && last.at(0.95) <= p95,
	}
}

func simAtOnce(seeds int) simRow {
	s := twenty()
	s.rps, s.dies, s.ends = 0, time.Second, 4*time.Second
	s.plan = func(f *simFleet) {
		f.at(2*time.Second, func() { f.burst(20, time.Microsecond) })
		f.at(3*time.Second, f.birth)
		f.at(3500*time.Millisecond, func() {
			f.free = f.free[len(f.free)-1:] // the environment born last
			f.arrive()
		})
	}
	figures := simSeeds(seeds, s,
		func(f *simFleet) float64 { return float64(len(f.openedAt)) },
		func(f *simFleet) float64 { return float64(f.rejected) },
	)
	opened, rejected := slices.Min(figures[0]), slices.Min(figures[1])
	return simRow{
		what: "20 environments fail once in the same microsecond", target: "open, and a cold environment is rejected",
		measured: fmt.Sprintf("opened %g, cold call rejected %g", opened, rejected),
		met:      opened == 1 && rejected == 1,
	}
}

// windows lets a dead dependency's circuit be probed n times; what was written
// before the first of them is taken off.
func windows(s simulation, n int) (simulation, func(*simFleet) float64) {
	before := map[*simFleet]int{}
	s.dies, s.ends = 5*time.Second, time.Hour
	s.opens = func(f *simFleet) {
		switch len(f.openedAt) {
		case 1:
			f.after(us(f.settings.RecoveryTimeout*9/10), func() { before[f] = f.store.writes.total() })
		case n + 1:
			f.after(300_000, func() { f.over = true }) // who still waits to claim looks again
		}
	}
	return s, func(f *simFleet) float64 { return float64(f.store.writes.total() - before[f]) }
}

func simSixWindows(seeds int) simRow {
	s, written := windows(twenty(), 6)
	figures := simSeeds(seeds, s, simProbes, simMostProbing, written)
	return simRow{
		what: "six dead recovery windows of 5 s: probes, at once, writes", target: "6, 1, at most 16",
		measured: fmt.Sprintf("%g, %g, %s", figures[0].worst(), figures[1].worst(), figures[2]),
		met:      figures[0].worst() == 6 && slices.Min(figures[0]) == 6 && figures[1].worst() == 1 && figures[2].worst() <= 16,
	}
}

func simHealed(seeds int) simRow {
	s := twenty()
	s.dies, s.heals, s.ends = 5*time.Second, 20*time.Second, 40*time.Second
	last := simSeeds(seeds, s, func(f *simFleet) float64 { return simSeconds(f.lastRejected - f.goodProbe) })[0]
	return simRow{
		what: "healed: first good probe to last rejected call, s", target: "at most 0.4",
		measured: last.String(), met: last.worst() <= 0.4,
	}
}

func simHealedSlow(seeds int) simRow {
	s := twenty()
	s.rps, s.dies, s.heals, s.ends = 5, 5*time.Second, 30*time.Second, 60*time.Second
	last := simSeeds(seeds, s, func(f *simFleet) float64 { return simSeconds(f.lastRejected - us(simBegin+f.heals)) })[0]
	return simRow{
		what: "the same at 5 calls/s: healed to last rejected call, s", target: "at most 6 (5 of it recovery time)",
		measured: last.String(), met: last.worst() <= 6,
	}
}

// simKilled kills the environment that probes, whose lease is 5 s.
func simKilled(seeds int) simRow {
	s := twenty()
	s.dies, s.ends, s.failing = 5*time.Second, 30*time.Second, time.Second
	s.settings.ProbeTimeout = 3700 * time.Millisecond
	ends := map[*simFleet]int64{}
	s.probed = func(f *simFleet, c *simCall) {
		if f.probes == 1 {
			ends[f] = (c.claim.ProbeUntil - simEpoch) * 1000
			f.after(10_000, func() { f.kill(c.env); f.probing-- })
		}
	}
	next := simSeeds(seeds, s, func(f *simFleet) float64 { return simSeconds(f.probedAt[1] - ends[f]) })[0]
	return simRow{
		what: "prober killed: end of its lease to the next probe, s", target: "with the next call: at most 0.3",
		measured: next.String(), met: slices.Min(next) > -0.02 && next.worst() <= 0.3,
	}
}

// simLateSuccess admits one call while closed that succeeds when the circuit
// has been open for long.
func simLateSuccess(seeds int) simRow {
	s := twenty()
	s.settings.RecoveryTimeout, s.settings.SuccessThreshold = time.Minute, 1
	s.takes = func(f *simFleet, _ *simCall) (time.Duration, bool) {
		if f.admitted == 1 {
			return 20 * time.Second, false
		}
		return f.failing, true
	}
	return simDropped(seeds, "late success of the closed era", s, 1, 0)
}

// simExpiredProbe has a probe that outlives its lease and then succeeds.
func simExpiredProbe(seeds int) simRow {
	s := twenty()
	s.settings.ProbeTimeout, s.settings.SuccessThreshold, s.settings.RecoveryTimeout = time.Second, 1, 8*time.Second
	s.takes = func(f *simFleet, c *simCall) (time.Duration, bool) {
		if c.probe && f.probes == 1 {
			return 6 * time.Second, false
		}
		return f.failing, true
	}
	return simDropped(seeds, "success of an expired probe", s, 4, 0)
}

// simLateFailure admits calls while closed that fail when the circuit has been
// open and closed again.
func simLateFailure(seeds int) simRow {
	s := twenty()
	s.takes = func(f *simFleet, c *simCall) (time.Duration, bool) {
		switch {
		case f.admitted <= 10:
			return 20 * time.Second, true
		case c.probe:
			return f.healthy, false
		}
		return f.healthy, c.epoch == 0
	}
	return simDropped(seeds, "late failures of an older epoch", s, 1, 1)
}

func simDropped(seeds int, what string, s simulation, opened, closed int) simRow {
	met := simSeeds(seeds, s, func(f *simFleet) float64 {
		if len(f.openedAt) == opened && len(f.closedAt) == closed {
			return 0
		}
		return 1
	})[0]
	return simRow{what: what, target: "dropped", measured: fmt.Sprintf("counted in %g of %d runs", sum(met), seeds), met: sum(met) == 0}
}

func sum(s simSample) (total float64) {
	for _, x := range s {
		total += x
	}
	return total
}

func simStoreHangs(seeds int) simRow {
	s := twenty()
	s.trouble = simHangs
	figures := simSeeds(seeds, s,
		func(f *simFleet) float64 { return float64(slices.Max(f.added)) / 1000 },
		func(f *simFleet) float64 { return simAdded(f, 0.9) },
		func(f *simFleet) float64 { return float64(f.rejected) },
	)
	return simRow{
		what: "store hangs, dependency healthy: longest added wait, p90, ms, rejected calls", target: "at most 100, below 1, 0",
		measured: fmt.Sprintf("%.0f, %.2g, %g", figures[0].worst(), figures[1].worst(), figures[2].worst()),
		met:      figures[0].worst() <= 100 && figures[1].worst() < 1 && figures[2].worst() == 0,
	}
}

func simAdded(f *simFleet, quantile float64) float64 {
	var s simSample
	for _, us := range f.added {
		s = append(s, float64(us)/1000)
	}
	return s.at(quantile)
}

// simStoreRefuses makes 1,001 calls, which are 20 s and so four recovery times
// of each environment's own circuit.
func simStoreRefuses(seeds int) simRow {
	s := twenty()
	s.trouble, s.rps, s.dies, s.ends = simRefuses, 0, time.Second, 30*time.Second
	s.plan = func(f *simFleet) { f.at(2*time.Second, func() { f.burst(1001, 20*time.Second) }) }
	failed := simSeeds(seeds, s, simFailed)[0]
	return simRow{
		what: "store unavailable and dependency dead: of 1,001 calls reach it", target: "at most 20 × (5 + 4)",
		measured: failed.String(), met: failed.worst() <= 180,
	}
}

// simScaleTargets are the rows about large fleets.
var simScaleTargets = []func(small, large int) simRow{
	simManyProbers, simManyAtOnce, simSlowTraffic, simSlowTrafficTime, simThousand, simCloses, simThousandCloses,
	simWatching, simFull,
}

func simManyProbers(_, seeds int) simRow {
	s := simulation{environments: 1000, rps: 1000, settings: Settings{RecoveryTimeout: 5 * time.Second}}
	return simClaimsRow(seeds, "1,000 environments at 1,000 calls/s, 3 dead recovery windows", s, 3)
}

func simManyAtOnce(_, seeds int) simRow {
	s := simulation{environments: 1000, settings: Settings{RecoveryTimeout: 5 * time.Second}}
	s.plan = func(f *simFleet) { f.at(6*time.Second, func() { f.burst(20, 50*time.Millisecond) }) }
	return simClaimsRow(seeds, "1,000 calls within 1 ms after the recovery time, 3 windows", s, 3)
}

func simClaimsRow(seeds int, what string, s simulation, n int) simRow {
	s, written := windows(s, n)
	if counted := s.opens; s.rps == 0 {
		s.opens = func(f *simFleet) {
			counted(f)
			// Every clock has passed retry_at 20 ms after it.
			f.after(us(s.settings.RecoveryTimeout)+20_000, func() { f.burst(1000, time.Millisecond) })
		}
	}
	figures := simSeeds(seeds, s, simProbes, simMostProbing, func(f *simFleet) float64 { return written(f) / float64(n) })
	return simRow{
		what: what + ": probes, at once, writes a window", target: fmt.Sprintf("%d, 1, at most 20", n),
		measured: fmt.Sprintf("%g, %g, %s", figures[0].worst(), figures[1].worst(), figures[2]),
		met: slices.Min(figures[0]) == float64(n) && figures[0].worst() == float64(n) &&
			figures[1].worst() == 1 && figures[2].worst() <= 20,
	}
}

// slowTraffic is 0.1 calls a second and environment, each fails after 1 s.
func slowTraffic() simulation {
	return simulation{environments: 50, rps: 5, failing: time.Second}
}

func simSlowTraffic(seeds, _ int) simRow {
	failed := simSeeds(10*seeds, dying(slowTraffic()), simFailed)[0]
	return simRow{
		what: "50 environments, 5 calls/s, 1 s failures: failing calls that reach it", target: "median at most 10, p95 15",
		measured: failed.String(), met: failed.median() <= 10 && failed.at(0.95) <= 15,
	}
}

func simSlowTrafficTime(seeds, _ int) simRow {
	return simDyingRow(seeds, "50 environments, 5 calls/s, 1 s failures", slowTraffic(), 0.8, 2)
}

func thousand() simulation { return simulation{environments: 1000, rps: 1000, failing: time.Second} }

func simThousand(_, seeds int) simRow {
	failed := simSeeds(seeds, dying(thousand()), simFailed)[0]
	return simRow{
		what: "1,000 environments, 1,000 calls/s, 1 s failures: failing calls that reach it", target: "at most 1,350",
		measured: failed.String(), met: failed.worst() <= 1350,
	}
}

func simCloses(seeds, _ int) simRow {
	s := simulation{environments: 50, rps: 5}
	return simClosesRow(seeds, "50 environments, 5 calls/s", s)
}

func simThousandCloses(_, seeds int) simRow {
	return simClosesRow(seeds, "1,000 environments, 1,000 calls/s", thousand())
}

// simClosesRow heals the dependency in each fifth of a recovery time.
func simClosesRow(seeds int, what string, s simulation) simRow {
	s.dies, s.ends = 5*time.Second, 45*time.Second
	s.settings.RecoveryTimeout = 5 * time.Second
	var closing simSample
	for fifth := range 5 {
		s.heals = time.Duration(20+fifth) * time.Second
		closing = append(closing, simSeeds((seeds+4)/5, s, simClosing)[0]...)
	}
	return simRow{
		what: what + ": max(healed, retry_at) to closed, s", target: "median at most 1.5, worst 3",
		measured: closing.String(), met: closing.median() <= 1.5 && closing.worst() <= 3,
	}
}

func simWatching(_, seeds int) simRow {
	s := dying(thousand())
	figures := simSeeds(seeds, s,
		func(f *simFleet) float64 { return simPeak(f.store.usage, 0, s.ends).writes },
		func(f *simFleet) float64 { return simPeak(f.store.usage, 0, s.ends).reads },
		func(f *simFleet) float64 { return float64(f.store.writes.failed) },
	)
	return simRow{
		what:     "1,000 environments, 1,000 calls/s watch it die: write and read units in the busiest second, failed conditions",
		target:   "at most 50 of 1,000; reads have 3,000",
		measured: fmt.Sprintf("%.0f; %.0f; %.0f", figures[0].worst(), figures[1].worst(), figures[2].worst()),
		met:      figures[0].worst() <= 50 && figures[1].worst() <= simReadUnits,
	}
}

// outage is a fleet with one call a second and environment through an outage
// whose calls hang until their timeout of 5 s, as the busiest seconds of the
// item are then: every environment fails at the same time, and a probe takes
// long enough for all others to look at it.
func outage(environments int) simulation {
	return simulation{
		environments: environments, rps: float64(environments), failing: 5 * time.Second,
		dies: 3 * time.Second, heals: 20 * time.Second, ends: 30 * time.Second,
		settings: Settings{RecoveryTimeout: 5 * time.Second},
	}
}

// simFull shows that one item suffices for 5,000 busy environments.
func simFull(_, _ int) simRow {
	at := simPeak(outage(5_000).run().store.usage, 0, time.Minute)
	return simRow{
		what:     "5,000 environments, 5,000 calls/s, an outage of hanging calls: read and write units in the busiest second",
		target:   "below 3,000 and 1,000",
		measured: fmt.Sprintf("%.0f and %.0f", at.reads, at.writes),
		met:      at.reads < simReadUnits && at.writes < simWriteUnits,
	}
}
