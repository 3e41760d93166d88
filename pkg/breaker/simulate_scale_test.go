package breaker

import (
	"fmt"
	"slices"
	"time"
)

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

// slowTraffic is 0.1 calls a second and environment, of which each takes 1 s
// to fail.
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
		func(f *simFleet) float64 { return float64(f.store.writes.refused) },
	)
	return simRow{
		what:     "1,000 environments, 1,000 calls/s watch it die: write and read units in the busiest second, refused writes",
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
