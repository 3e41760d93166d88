package breaker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// errorsAt has a share of the calls fail, at random: before is the share until
// from, share from then on.
func (s simulation) errorsAt(before float64, from time.Duration, share float64) simulation {
	s.takes = func(f *simFleet, _ *simCall) (time.Duration, bool) {
		failing := before
		if time.Duration(f.now)*time.Microsecond-simBegin >= from {
			failing = share
		}
		return f.healthy * time.Duration(800+f.r.IntN(400)) / 1000, f.r.Float64() < failing
	}
	return s
}

// known puts on record the traffic that is there after a circuit's first failures.
func (s simulation) known() simulation {
	s.begins = Record{Writer: "before", State: Closed, Traffic: max(1, int64(s.rps*60))}
	return s
}

// rated is a fleet with the default rate of the connectors.
func ratedFleet(environments int, rps float64) simulation {
	s := simulation{environments: environments, rps: rps}
	s.settings.FailureRate = 0.2
	return s
}

// simRateTargets are the rows about the failure rate. Each is one function of the
// number of seeds.
var simRateTargets = []func(seeds int) simRow{
	simOnePercent, simOnePercentFresh, simNearHalf, simTotalOutage, simSecondOutage, simFirstFive, simFirstFiveOfTwo,
	simBusiestSecond, simBusiestFirstSecond, simSurge, simBrokenHint, simCountingWrites, simRampTarget,
}

// simOnePercent is what a count makes an outage of.
func simOnePercent(seeds int) simRow {
	return simErrorsRow(seeds, "1 % of errors, 50 calls/s, 10 min", ratedFleet(20, 50).known())
}

func simOnePercentFresh(seeds int) simRow {
	return simErrorsRow(seeds, "the same on a fresh table", ratedFleet(20, 50))
}

func simErrorsRow(seeds int, what string, s simulation) simRow {
	s.ends = 10 * time.Minute
	healthy := s
	healthy.ends = time.Minute
	waits := simSeeds(seeds, healthy, simWaited)[0].worst()
	figures := simSeeds(seeds, s.errorsAt(0.01, 0, 0.01), simRejected, simWritesASecond, simWaited)
	rejected, writes, waited := figures[0].worst(), figures[1].worst(), figures[2].worst()
	return simRow{
		what:     what + ": rejected calls, writes/s, admissions that wait (without errors)",
		target:   "at most 0.1 %, 6, 2 % more than without",
		measured: fmt.Sprintf("%.2g %%, %.2g, %.2g %% (%.2g %%)", rejected, writes, waited, waits),
		met:      rejected <= 0.1 && writes <= 6 && waited <= waits+2,
	}
}

func simRejected(f *simFleet) float64      { return simPercent(f.rejected, f.calls) }
func simWaited(f *simFleet) float64        { return simPercent(f.waited, f.admitted) }
func simWritesASecond(f *simFleet) float64 { return float64(f.store.writes.total()) / f.ends.Seconds() }
func simOpenings(f *simFleet) float64      { return float64(len(f.openedAt)) }

// simNearHalf is the row that a count of 5 loses: 30 % of errors, tolerated.
func simNearHalf(seeds int) simRow {
	s := ratedFleet(20, 50)
	s.settings.FailureRate, s.settings.FailureThreshold, s.ends = 0.5, 10, time.Minute
	ratio := simSeeds(2*seeds, s.errorsAt(0.3, 0, 0.3), func(f *simFleet) float64 {
		return float64(f.admitted) / float64(f.calls)
	})[0]
	return simRow{
		what: "30 % of errors at a rate of 50 % and a threshold of 10, 3,000 calls in 60 s, fresh table: successes over those without a breaker", target: "at least 0.97, median",
		measured: fmt.Sprintf("median %.3f, worst %.3f", ratio.median(), ratio.at(0)), met: ratio.median() >= 0.97,
	}
}

func simTotalOutage(seeds int) simRow {
	return simFailedRow(seeds, "dependency dies, with the rate", ratedFleet(20, 50).known(), 20, 30)
}

// simSecondOutage has two outages: by the second the fleet knows its traffic, as it
// has counted its calls after the first.
func simSecondOutage(seeds int) simRow {
	s := ratedFleet(20, 50)
	s.settings.RecoveryTimeout, s.dies, s.heals, s.ends = 5*time.Second, 10*time.Second, 18*time.Second, 75*time.Second
	before := map[*simFleet]int{}
	s.plan = func(f *simFleet) {
		f.at(70*time.Second, func() { before[f] = f.failed; f.dies, f.heals = 70*time.Second, 0 })
	}
	failed := simSeeds(5*seeds, s, func(f *simFleet) float64 { return float64(f.failed - before[f]) })[0]
	return simRow{
		what: "two sudden outages on a fresh table: failing calls that reach it in the second", target: "median at most 20, worst 30",
		measured: failed.String(), met: failed.median() <= 20 && failed.worst() <= 30,
	}
}

// simFirstFive has five failing calls in a row within a second, on a fresh table,
// as the first thing that an environment meets.
func simFirstFive(seeds int) simRow {
	s := ratedFleet(1, 0)
	s.ends, s.dies = 10*time.Second, time.Second
	s.plan = func(f *simFleet) {
		for i := range 5 {
			f.at(2*time.Second+time.Duration(i)*200*time.Millisecond, f.arrive)
		}
	}
	return simFifthOpens(seeds, "five calls fail in a row within a second, on a fresh table", s)
}

func simFifthOpens(seeds int, what string, s simulation) simRow {
	opened := simSeeds(seeds, s, simOpenings, simFailed)
	return simRow{
		what: what, target: "the fifth opens",
		measured: fmt.Sprintf("opened %g, after %g", opened[0].at(0), opened[1].worst()),
		met:      opened[0].at(0) == 1 && opened[0].worst() == 1 && opened[1].worst() == 5,
	}
}

// simFirstFiveOfTwo is the same with two environments that take turns.
func simFirstFiveOfTwo(seeds int) simRow {
	s := ratedFleet(2, 0)
	s.ends, s.dies = 10*time.Second, time.Second
	s.plan = func(f *simFleet) {
		for i := range 5 {
			f.at(2*time.Second+time.Duration(i)*200*time.Millisecond, func() {
				slices.SortFunc(f.free, func(a, b *simEnvironment) int { return a.number - b.number })
				one := f.free[i%2]
				others := f.free[1-i%2]
				f.free = []*simEnvironment{one}
				f.arrive()
				f.free = append(f.free, others)
			})
		}
	}
	return simFifthOpens(seeds, "the same in two environments that take turns", s)
}

func simBusiestSecond(seeds int) simRow {
	return simPeakRow(seeds, "a total outage at 5,000 calls/s and 2,000 environments", ratedFleet(2_000, 5_000).known(), 300)
}

func simBusiestFirstSecond(seeds int) simRow {
	return simPeakRow(seeds, "the same, the circuit's first", ratedFleet(2_000, 5_000), 600)
}

func simPeakRow(seeds int, what string, s simulation, most float64) simRow {
	s = dying(s)
	peak := simSeeds(max(1, seeds/3), s, func(f *simFleet) float64 { return simPeak(f.store.usage, 0, f.ends).writes })[0]
	return simRow{
		what: what + ": writes in the busiest second", target: fmt.Sprintf("fewer than %g of 1,000", most),
		measured: peak.String(), met: peak.worst() < most,
	}
}

// simSurge has thirty times the traffic at once, with 5 % of errors.
func simSurge(seeds int) simRow {
	var opened simSample
	for _, times := range []float64{3, 10, 30} {
		s := ratedFleet(100, 15).known()
		s.ends = 90 * time.Second
		s.plan = func(f *simFleet) { f.at(30*time.Second, func() { f.rps *= times }) }
		for _, errors := range []float64{0.01, 0.05} {
			opened = append(opened, simSeeds(seeds, s.errorsAt(errors, 0, errors), simOpenings)[0]...)
		}
	}
	return simRow{
		what: "three, ten and thirty times the traffic at once, 1 and 5 % of errors: openings", target: "none",
		measured: fmt.Sprintf("%g in %d runs", sum(opened), len(opened)), met: sum(opened) == 0,
	}
}

// simBrokenHint dies in a night that has a hundredth of the day's traffic.
func simBrokenHint(seeds int) simRow {
	s := ratedFleet(20, 5)
	s.begins = Record{Writer: "before", State: Closed, Traffic: 500 * 60}
	opening := simSeeds(5*seeds, func() simulation { s := dying(s); s.ends = s.dies + 20*time.Second; return s }(), simOpening)[0]
	return simRow{
		what: "a traffic on record a hundred times too high, 5 calls/s: first failure to open, s", target: "worst 8",
		measured: opening.String(), met: opening.worst() <= 8,
	}
}

// simCountingWrites holds the writes of steady errors against their bound.
func simCountingWrites(seeds int) simRow {
	s := ratedFleet(200, 500).known()
	s.ends = 10 * time.Minute
	var writes simSample
	for _, errors := range []float64{0.005, 0.02, 0.05, 0.1} {
		writes = append(writes, simSeeds(max(1, seeds/10), s.errorsAt(errors, 0, errors), simWritesASecond)[0]...)
	}
	return simRow{
		what: "0.5 to 10 % of errors at 500 calls/s: writes/s, on average", target: "at most 7.5",
		measured: writes.String(), met: writes.worst() <= 7.5,
	}
}

// simRampTarget has a dependency come back with a fifth of its capacity, and gain
// the rest in 20 s of serving. More than it can serve throws it over for 2 s.
func simRampTarget(seeds int) simRow {
	served := func(ramp time.Duration) simSample {
		s := ratedFleet(20, 50)
		s.settings.RecoveryRamp, s.settings.RecoveryTimeout = ramp, 5*time.Second
		s.dies, s.ends = 5*time.Second, 4*time.Minute
		s.plan = simWeakDependency(50, 20*time.Second)
		return simSeeds(max(2, seeds/3), s, simOpenings)[0]
	}
	without, with := served(0), served(20*time.Second)
	return simRow{
		what: "a dependency that comes back with a fifth of its capacity: openings without and with a ramp of 20 s", target: "at most half as many",
		measured: fmt.Sprintf("median %.0f and %.0f", without.median(), with.median()), met: 2*with.median() <= without.median(),
	}
}

// simWeakDependency has the fleet's dependency die at its time for 15 s, and then
// serve a fifth of what it is asked for, growing to all while it serves.
func simWeakDependency(rps float64, gains time.Duration) func(*simFleet) {
	return func(f *simFleet) {
		capacity, inSecond, second, down := 0.2*rps, 0.0, int64(0), int64(0)
		f.takes = func(f *simFleet, _ *simCall) (time.Duration, bool) {
			since := time.Duration(f.now)*time.Microsecond - simBegin
			if since < f.dies || since < f.dies+15*time.Second || f.now < down {
				return f.healthy, since >= f.dies
			}
			if f.now/1e6 != second {
				capacity = min(2*rps, capacity+0.8*rps*min(1, inSecond)/gains.Seconds())
				second, inSecond = f.now/1e6, 0
			}
			if inSecond++; inSecond > capacity {
				down = f.now + 2e6
				return f.healthy, true
			}
			return f.healthy, false
		}
	}
}

// writeRatePage writes the tables of the failure rate.
func writeRatePage(t *testing.T, seeds int) {
	var b strings.Builder
	b.WriteString(simRateHead + simTableHead)
	for _, target := range simRateTargets {
		writeRow(t, &b, target(seeds))
	}
	b.WriteString(simSteadyHead)
	for _, c := range simSteadyRows {
		b.WriteString(c.row())
	}
	b.WriteString(simUntilHead)
	for _, c := range simUntilRows {
		b.WriteString(c.row(seeds))
	}
	b.WriteString(simBelowHead)
	for _, c := range simBelowRows {
		b.WriteString(c.row(seeds))
	}
	writeFile(t, "rate.md", b.String())
}

const simRateHead = `# Failure rate, simulated

Written together with [the simulation of fleets](README.md), by the same command and with the same model. The rate is 20 %, the window 60 s and the threshold 5 unless a row says otherwise. Errors are independent of each other. The traffic on record is the true one unless the table is fresh.

## Targets

`

const simSteadyHead = `
## Steady errors

Openings a day, by the count alone and with the rate; writes a second on average and in the busiest second; reads a second and environment, with and without errors; bytes of the item at most. "0 in 4 h" means that none was seen: the true figure is below 3 in that time, with a confidence of 95 %.

| calls/s, environments | errors | threshold, rate, window | openings, count | openings, rate | writes/s; busiest | reads | item |
|---|---|---|---|---|---|---|---|
`

type simSteady struct {
	environments int
	rps, errors  float64
	threshold    int
	rate         float64
	window       time.Duration
	runs         time.Duration
	unequal      bool // a few environments have most of the calls
	freezes      bool // one call of a hundred is frozen for 3 s
}

var simSteadyRows = []simSteady{
	{5, 0.5, 0.05, 5, 0.2, time.Minute, 48 * time.Hour, false, false},
	{20, 5, 0.05, 5, 0.2, time.Minute, 24 * time.Hour, false, false},
	{20, 50, 0.01, 5, 0.2, time.Minute, 6 * time.Hour, false, false},
	{20, 50, 0.03, 5, 0.2, time.Minute, 6 * time.Hour, false, false},
	{20, 50, 0.05, 5, 0.2, time.Minute, 6 * time.Hour, false, false},
	{20, 50, 0.05, 5, 0.2, time.Minute, 6 * time.Hour, true, false},
	{20, 50, 0.05, 5, 0.2, time.Minute, 6 * time.Hour, false, true},
	{20, 50, 0.05, 10, 0.1, time.Minute, 6 * time.Hour, false, false},
	{20, 50, 0.05, 20, 0.2, time.Minute, 6 * time.Hour, false, false},
	{20, 50, 0.05, 5, 0.5, time.Minute, 6 * time.Hour, false, false},
	{20, 50, 0.05, 5, 0.2, 10 * time.Second, 6 * time.Hour, false, false},
	{20, 50, 0.05, 5, 0.2, 10 * time.Minute, 6 * time.Hour, false, false},
	{200, 500, 0.01, 5, 0.2, time.Minute, time.Hour, false, false},
	{200, 500, 0.05, 5, 0.2, time.Minute, time.Hour, false, false},
	{2_000, 5_000, 0.05, 5, 0.2, time.Minute, 3 * time.Minute, false, false},
}

func (c simSteady) simulation() simulation {
	s := ratedFleet(c.environments, c.rps).known()
	s.seed, s.ends, s.unequal, s.freezes = 1, c.runs, c.unequal, c.freezes
	s.settings.FailureThreshold, s.settings.FailureRate, s.settings.FailureWindow = c.threshold, c.rate, c.window
	return s
}

func (c simSteady) row() string {
	healthy := c.simulation()
	healthy.ends = min(c.runs, 10*time.Minute)
	reads := func(f *simFleet) float64 {
		return float64(f.store.reads) / f.ends.Seconds() / float64(c.environments)
	}
	without := reads(healthy.run())
	f := c.simulation().errorsAt(c.errors, 0, c.errors).run()
	counting := c.simulation()
	counting.settings.FailureRate, counting.ends = 0, min(c.runs, 30*time.Minute)
	byCount := counting.errorsAt(c.errors, 0, c.errors).run()
	what := fmt.Sprintf("%g, %d", c.rps, c.environments)
	if c.unequal {
		what += ", unequal"
	}
	if c.freezes {
		what += ", with freezes"
	}
	return fmt.Sprintf("| %s | %g %% | %d, %g %%, %s | %s | %s | %.1f; %.0f | %.2f, %.2f | %d |\n",
		what, 100*c.errors, c.threshold, 100*c.rate, c.window, aDay(byCount), aDay(f),
		float64(f.store.writes.total())/c.runs.Seconds(), simPeak(f.store.usage, 0, c.runs).writes, reads(f), without, f.store.largest)
}

// aDay returns a run's openings, for a day.
func aDay(f *simFleet) string {
	if len(f.openedAt) == 0 {
		return "0 in " + strings.TrimSuffix(strings.TrimSuffix(f.ends.String(), "0s"), "0m")
	}
	return fmt.Sprintf("%.0f", float64(len(f.openedAt))*24*time.Hour.Seconds()/f.ends.Seconds())
}

const simUntilHead = `
## Until open

Seconds from the beginning of the errors until the circuit is open, by the count and with the rate, median and 95th percentile; and the failing calls that reached the dependency, median. After 1 % of errors the count flaps.

| calls/s, environments | before | failing | table | count | rate | failing calls |
|---|---|---|---|---|---|---|
`

type simUntil struct {
	environments   int
	rps            float64
	before, errors float64
	fresh          bool
}

var simUntilRows = []simUntil{
	{5, 0.5, 0, 1, false}, {20, 5, 0, 1, false}, {20, 50, 0, 1, false}, {200, 500, 0, 1, false}, {2_000, 5_000, 0, 1, false},
	{20, 5, 0, 1, true}, {20, 50, 0, 1, true}, {200, 500, 0, 1, true}, {2_000, 5_000, 0, 1, true},
	{20, 5, 0.01, 1, false}, {20, 50, 0.01, 1, false}, {200, 500, 0.01, 1, false},
	{20, 5, 0.01, 0.5, false}, {20, 50, 0.01, 0.5, false}, {20, 50, 0.01, 0.3, false}, {200, 500, 0.01, 0.3, false},
}

func (c simUntil) simulation() (s simulation, from time.Duration) {
	s = ratedFleet(c.environments, c.rps)
	if !c.fresh {
		s = s.known()
	}
	from = 10 * time.Second
	if c.before > 0 {
		from = 90 * time.Second
	}
	s.ends = from + 3*time.Minute
	if c.rps > 1_000 {
		s.ends = from + 10*time.Second
	}
	s.opens = func(f *simFleet) { f.after(1_500_000, func() { f.over = true }) }
	return s.errorsAt(c.before, from, c.errors), from
}

func (c simUntil) row(seeds int) string {
	if c.rps > 100 {
		seeds = max(1, seeds/4)
	}
	s, from := c.simulation()
	until := func(f *simFleet) float64 {
		if len(f.openedAt) == 0 {
			return f.ends.Seconds()
		}
		return max(0, simSeconds(f.openedAt[0]-us(simBegin+from)))
	}
	figures := simSeeds(seeds, s, until, simFailed)
	count := "–"
	if c.before == 0 {
		s.settings.FailureRate = 0
		count = simNumber(simSeeds(seeds, s, until)[0].median())
	}
	table := "known"
	if c.fresh {
		table = "fresh"
	}
	return fmt.Sprintf("| %g, %d | %g %% | %g %% | %s | %s | %s, %s | %s |\n", c.rps, c.environments, 100*c.before, 100*c.errors, table,
		count, simNumber(figures[0].median()), simNumber(figures[0].at(0.95)), simNumber(figures[1].median()))
}

const simBelowHead = `
## Below the rate

Two minutes of errors that the rate tolerates, begun in health: share of the runs that opened.

| calls/s, environments | errors | threshold, rate | opened |
|---|---|---|---|
`

type simBelow struct {
	environments int
	rps, errors  float64
	threshold    int
	rate         float64
}

var simBelowRows = []simBelow{
	{20, 5, 0.1, 5, 0.2}, {20, 5, 0.1, 10, 0.2}, {20, 5, 0.3, 5, 0.5}, {20, 5, 0.3, 10, 0.5}, {20, 5, 0.3, 20, 0.5},
	{20, 50, 0.1, 5, 0.2}, {20, 50, 0.3, 5, 0.5}, {20, 50, 0.3, 10, 0.5}, {20, 50, 0.3, 20, 0.5},
	{200, 500, 0.1, 5, 0.2}, {200, 500, 0.3, 5, 0.5}, {200, 500, 0.3, 10, 0.5},
}

func (c simBelow) row(seeds int) string {
	if c.rps > 100 {
		seeds = max(1, seeds/4)
	}
	s := ratedFleet(c.environments, c.rps).known()
	s.settings.FailureThreshold, s.settings.FailureRate, s.ends = c.threshold, c.rate, 2*time.Minute
	s.opens = func(f *simFleet) { f.over = true }
	opened := simSeeds(seeds, s.errorsAt(0, 5*time.Second, c.errors), simOpenings)[0]
	return fmt.Sprintf("| %g, %d | %g %% | %d, %g %% | %.0f %% of %d |\n", c.rps, c.environments, 100*c.errors, c.threshold, 100*c.rate, 100*sum(opened)/float64(len(opened)), len(opened))
}

// simRatePlot is what a share of errors makes the circuit reject.
func simRatePlot() simPlot {
	rejected := func(threshold int, rate float64) []simPoint {
		var points []simPoint
		for _, errors := range []float64{0.1, 0.3, 1, 3, 5, 10, 15, 20, 30, 40, 50, 70, 100} {
			s := ratedFleet(20, 50).known()
			s.settings.FailureThreshold, s.settings.FailureRate, s.ends = threshold, rate, 5*time.Minute
			share := simSeeds(2, s.errorsAt(errors/100, 0, errors/100), simRejected)[0]
			points = append(points, simPoint{errors, max(0.1, (share[0]+share[1])/2)})
		}
		return points
	}
	return simPlot{
		title: "Calls rejected, 50 calls/s, 20 environments", x: "failing calls, per cent", y: "rejected calls, per cent (0.1: 0.1 or less)",
		series: []simSeries{
			{"5 failures in 60 s", rejected(5, 0)},
			{"5, above 20 %", rejected(5, 0.2)},
			{"10, above 20 %", rejected(10, 0.2)},
			{"10, above 50 %", rejected(10, 0.5)},
		},
	}
}

func TestSimulateRate(t *testing.T) {
	if *simulateWrite {
		return // TestSimulate writes everything
	}
	for _, target := range simRateTargets {
		target(max(1, *simulateSmall/2)).check(t)
	}
}
