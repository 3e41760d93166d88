package breaker

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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

const simPage = "../../docs/simulation"

// writeSimulation runs everything and writes the page and its plots.
func writeSimulation(t *testing.T, small, large int) {
	began := time.Now()
	var b strings.Builder
	fmt.Fprintf(&b, simHead, began.Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), small, large)
	b.WriteString("## One circuit, 20 environments\n\n" + simModelSmall + simTableHead)
	for _, target := range simSmallTargets {
		writeRow(t, &b, target(small))
	}
	b.WriteString("\n## At scale\n\n" + simTableHead)
	for _, target := range simScaleTargets {
		writeRow(t, &b, target(small, large))
	}
	b.WriteString("\n")
	for name, plot := range simPlots {
		writeFile(t, name+".svg", plot().svg())
	}
	b.WriteString(simPictures)
	b.WriteString(simAgesHead)
	for _, ages := range simAges {
		b.WriteString(simAgesRow(small, ages[0], ages[1]))
	}
	b.WriteString(simRetriesHead)
	for _, failing := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second, 30 * time.Second} {
		for _, tries := range []int{1, 4} {
			b.WriteString(simRetriesRow(small, 20, 50, failing, tries))
			b.WriteString(simRetriesRow(large, 1_000, 1_000, failing, tries))
		}
	}
	b.WriteString(simFullHead)
	for _, each := range []float64{1, 2, 5, 10} {
		b.WriteString(simFullRow(each))
	}
	b.WriteString(simCopiesText)
	for _, failing := range []time.Duration{5 * time.Second, 100 * time.Millisecond} {
		s := outage(10_000)
		s.failing = failing
		for _, v := range simVariants {
			b.WriteString(simVariantRow(v, s))
		}
	}
	b.WriteString(simBusyText)
	busy := outage(3_000)
	busy.rps = 30_000
	for _, v := range simVariants[:5] {
		b.WriteString(simVariantRow(v, busy))
	}
	b.WriteString(simCopiesEnd)
	for _, n := range []int{20_000, 50_000} {
		b.WriteString(simLargestRow(n))
	}
	writeFile(t, "README.md", b.String())
	writeRatePage(t, small)
	t.Logf("written to %s in %s", simPage, time.Since(began).Round(time.Second))
}

var simPlots = map[string]func() simPlot{
	"reach": simReachPlot, "open": simOpenPlot, "units": simUnitsPlot, "probes": simProbesPlot, "rate": simRatePlot,
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(simPage, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(simPage, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeRow(t *testing.T, b *strings.Builder, r simRow) {
	t.Helper()
	r.check(t)
	met := "yes"
	if !r.met {
		met = "no: " + r.missed
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s |\n", r.what, r.target, r.measured, met)
}

var simAges = [][2]time.Duration{
	{850 * time.Millisecond, 1150 * time.Millisecond},
	{850 * time.Millisecond, 1200 * time.Millisecond},
	{900 * time.Millisecond, 1200 * time.Millisecond},
	{time.Second, 1200 * time.Millisecond},
	{time.Second, 1500 * time.Millisecond},
	{time.Second, 1800 * time.Millisecond},
	{1600 * time.Millisecond, 2200 * time.Millisecond},
}

// simAgesRow weighs the reads of health against the calls of an outage.
func simAgesRow(seeds int, refreshAfter, maxAge time.Duration) string {
	s := twenty()
	s.settings.RefreshAfter, s.settings.MaxAge = refreshAfter, maxAge
	outage := simSeeds(5*seeds, dying(s), simFailed, simDying)
	slow := simHealthRow(seeds, s).measured
	s.rps = 100
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", refreshAfter, maxAge, slow, simHealthRow(seeds, s).measured, outage[0], outage[1])
}

const simTableHead = "| what | target | measured | met |\n|---|---|---|---|\n"

const simHead = `# Fleet simulation

Written on %s, %s/%s, %d CPUs, %s, with seeds 1 to %d for small fleets (up to twenty times as many where a median is asked for) and 1 to %d for large ones, by

    go test ./pkg/breaker -run TestSimulate -simulate.write

In the simulation each execution environment is the code that is deployed: ` + "`environment`" + ` on ` + "`machine`" + `, and the record is changed by ` + "`Record.Append`, `Prune` and `Apply`" + `. Time, traffic, dependency and store are modelled as discrete events, so that a seed gives the same run again. Figures of the deployed code with a real store are in [benchmarks.md](../benchmarks.md).

The model: calls arrive as a Poisson process, each at a random free environment, which serves one call at a time. Clocks are off by up to 10 ms. An operation on the store takes 3 to 10 ms, in one of a hundred cases up to 50 ms, and takes effect half-way. One of three eventually consistent reads asks the leader; the others see the item as it was some tens of ms ago (15 ms on average, 100 ms at most). A write costs one unit a KB, even if its condition fails, a consistent read one unit, an eventually consistent one half. A store that rejects operations takes 1 ms, one that hangs 100 ms. Items of the history are left out.

`

const simModelSmall = `50 calls a second, threshold 5, two successes, dependency of 20 ms that is as fast when it fails, no retries, recovery time 5 s, unless a row says otherwise. "First failure" is the end of the first failing call.

`

const simPictures = `![failing calls that reach a dead dependency, by fleet size](reach.svg)

With failures of 30 s nearly every environment is in its first failing call when that is known to have failed: what reaches the dependency is what was in flight. "Each env. on its own" is the same code without a store, a breaker in each environment's memory.

![time to open by calls a second](open.svg)

At low rates it is the traffic that takes the time: five calls have to come.

![probes and writes in a recovery window](probes.svg)

![read units by fleet size](units.svg)

`

const simAgesHead = `## What the ages of a closed record cost

20 environments; 2.5 calls a second each for the outage. Reads and writes a call, and calls that wait for a read.

| RefreshAfter | MaxAge | healthy, 2.5 calls/s each | healthy, 5 calls/s each | failing calls that reach it | first failure to last failing call, s |
|---|---|---|---|---|---|
`

const simRetriesHead = `
## Slow failures, and retries

A call that is tried again reports when it gives up, 0.1, 0.2 and 0.4 s after its tries, and asks before each whether the circuit has opened. As it counts only then, slow failures that are tried again are known late: the circuit cannot open before the first calls have given up. Seconds count from the end of the first failing try.

| environments, calls/s | a failure takes | tries | failing tries that reach it | until open, s | until the last failing try begins, s |
|---|---|---|---|---|---|
`

const simFullHead = `
## Where one item is full

Read units in the busiest second, and the fleet at which they are 3,000: reckoned from 1,000 environments, and tried. The outage is one of 17 s with calls that hang for 5 s. Its busiest second is the first of a recovery window, when an environment looks at the half-open record up to four times.

| calls/s and environment | environments, healthy | read units | environments, outage | read units |
|---|---|---|---|---|
`

const simCopiesText = `
## Beyond one item

At 10,000 environments with one call a second each the item is too hot: in the second after a recovery time each environment's call reads it, and so does each failing call of a dependency that hangs. No age of a cached record mends this because these are the first reads in seconds. What mends it is more items to read from.

**Read copies** (a prototype in this simulation, not deployed): K further items ` + "`state@k`" + `, each under a partition key of its own. An environment's eventually consistent reads go to copy hash(environment) mod K; consistent reads, failures and changes go to the item itself. Who wins a change writes it to each copy under the condition that the copy's generation is lower. An environment that learns from the item that its copy is behind does the same for that copy, in case the writer died. Failures are not copied.

The protocol is already safe with copies, because a copy is only an old eventually consistent read. If it says closed, the environment's next call passes, and the append of its failure conflicts with the item and returns the current record. If it says open, a consistent read comes before any claim. If it shows a lower generation than is known, a consistent read follows.

10,000 environments, 10,000 calls a second, an outage of 17 s. Units are those of the busiest second. "Throttled" is with a partition that rejects what is above 3,000 read or 1,000 write units; a throttled environment decides locally for half a second or more.

` + simVariantHead

const simVariantHead = `| variant | failures take | item, reads | busiest copy, reads, writes | item, writes | throttled | calls reach it | the same, throttled | fleet probes at once | healed to closed, s, throttled |
|---|---|---|---|---|---|---|---|---|---|
`

const simBusyText = `
Looking at a half-open record less often the longer its lease has lasted, instead of every 250 ms, takes half of the reads that would be throttled, but not those of the first second. Busy environments read more: 3,000 of them with 30,000 calls a second.

` + simVariantHead

const simCopiesEnd = `
Throttling costs protection, not correctness: there is one fleet probe at a time, and the circuit closes as fast; but throttled environments count for themselves until they see the item again.

One copy suffices for 5,000 environments with one call a second each, or 1,500 with ten. What ends this design is writing to the item itself: in the second in which the dependency dies each failing call that does not yet know is one write. At 50,000 environments that is two thirds of what the item takes.

With one copy per 5,000 environments, not throttled:

| environments = calls/s | copies | busiest copy, reads, writes | item, reads | item, writes | fleet probes at once | healed to closed, s |
|---|---|---|---|---|---|---|
`

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
	{"2 read copies, one of them never updated", func(s *simulation) { s.copies, s.lost = 2, 1 }},
}

// simVariantRow shows a variant in an outage, with and without the limits of the
// partition.
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
