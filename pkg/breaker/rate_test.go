package breaker

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// ratedMachine tolerates 20 %. Its window's sixths last 10 s, and noon begins one.
func ratedMachine() machine {
	s := testMachine().Settings
	s.FailureRate = 0.2
	return machine{s}
}

// counts returns the counts of calls that ended so many ms before noon.
func (m machine) counts(ago, failures, successes int64) []Count {
	var all []Count
	if failures > 0 {
		all = append(all, m.countsAt(noon-ago, 0, failures, true)...)
	}
	if successes > 0 {
		all = append(all, m.countsAt(noon-ago, 0, successes, false)...)
	}
	return all
}

func rated(traffic int64, failures []FailureID, counts ...[]Count) Record {
	r := Record{State: Closed, Writer: "w", Traffic: traffic, Failures: failures}
	for _, c := range counts {
		r.Counts = withCounts(r.Counts, c)
	}
	return r
}

func failedAt(r Record, at int64) Record {
	r.LastFailureAt = at
	return r
}

func closedAt(r Record, at int64) Record {
	r.ClosedAt = at
	return r
}

func TestOpeningByRate(t *testing.T) {
	m := ratedMachine()
	five := failuresAt(100, 3_000, 3_100, 3_200, 3_300)
	young := failuresAt(100, 200, 300, 400, 500)
	later := func(ms int64) []Count { return m.countsAt(noon+ms, 0, 1000, true) }
	for rule, c := range map[string]struct {
		r       Record
		emptied bool
		want    bool
	}{
		"failures that nothing makes up for open at the threshold": {rated(0, five), false, true},
		"one fewer does not":                                                {rated(0, five[1:]), true, false},
		"four successes make up for one failure":                            {rated(0, five, m.counts(2_000, 0, 4)), false, false},
		"successes of a time before the failures do not":                    {rated(0, five, m.counts(12_000, 0, 4)), false, true},
		"failures at the rate do not open":                                  {rated(0, five, m.counts(2_000, 45, 200)), false, false},
		"failures above it do":                                              {rated(0, five, m.counts(2_000, 95, 100)), false, true},
		"the count's threshold must be reached, whatever the counts":        {rated(0, five[:4], m.counts(100, 1000, 0)), true, false},
		"without a traffic on record, counting must be known everywhere":    {rated(0, young), false, false},
		"or the calls of one environment alone have emptied its bucket":     {rated(0, young), true, true},
		"counting is as old as the newest time that the record shows":       {failedAt(rated(0, failuresAt(1_900, 1_800, 0, -500, -900)), noon+900), false, true},
		"with one, there is nothing to wait for":                            {rated(60, young), false, true},
		"and one environment alone decides nothing":                         {rated(3_000, young), true, false},
		"successes that nobody can have counted are reckoned":               {rated(3_000, young), false, false},
		"until there are as many failures as evidence asks for":             {rated(3_000, young, m.counts(100, 15, 0)), false, true},
		"counts of another epoch are nothing":                               {rated(0, five, []Count{{SuccessesOfSixth, 7, noon / 10_000, 900}, {SuccessesOfSecond, 7, noon / second, 900}}), false, true},
		"failures of a window ago do not open":                              {rated(0, five, m.counts(61_000, 900, 0), m.counts(2_000, 0, 40)), false, false},
		"counts of a window ago are nothing":                                {rated(0, five, m.counts(61_000, 0, 900)), false, true},
		"counts of a future that no right clock can have written neither":   {rated(0, five, m.countsAt(noon+60_000, 0, 900, false)), false, true},
		"nor do those of failures open":                                     {rated(3_000, young, later(60_000)), false, false},
		"counts by clocks that are ahead by what is allowed are of now":     {rated(3_000, young, later(900)), false, true},
		"a rate that sampling may have made does not open":                  {rated(60_000, failuresAt(15_000, 16_000, 17_000, 18_000, 19_000), m.counts(12_000, 440, 1_500)), false, false},
		"a rate that sampling cannot have made opens":                       {rated(60_000, five, m.counts(2_000, 1_500, 1_500)), false, true},
		"a record that a clock ahead has written is judged by its own time": {rated(3_000, failuresAt(-900, -850, -800, -750, -700), m.countsAt(noon+900, 0, 40, false)), false, false},
	} {
		own := reported{id: c.r.Failures[0], weight: 1, emptied: c.emptied}
		if got := m.judge(c.r, own, noon) == trips; got != c.want {
			l := m.ledger(c.r, noon)
			t.Errorf("%s: opens %t, want %t: %+v", rule, got, c.want, l.worst())
		}
	}
}

// With weights of 1 and no success counted, the rate opens where the count does.
// It never opens where that does not, and one more success never opens.
func TestRateAgainstCount(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	rate, count := ratedMachine(), testMachine()
	opened, alike := 0, 0
	for range 20_000 {
		m := rate
		m.FailureRate = 0.01 + 0.89*random.Float64()
		var ages []int64
		for range random.IntN(7) {
			ages = append(ages, random.Int64N(70_000))
		}
		r := rated(random.Int64N(3)*random.Int64N(5_000), failuresAt(ages...))
		for range random.IntN(8) {
			r.Counts = withCounts(r.Counts, m.counts(random.Int64N(70_000), random.Int64N(9), random.Int64N(40)))
		}
		own := reported{id: newFailureID(noon, "e", 99), weight: 1 + random.Int64N(3), emptied: random.IntN(2) == 0}
		byRate, byCount := m.judge(r, own, noon) == trips, count.judge(r, own, noon) == trips
		if byRate && !byCount {
			t.Fatalf("rate %g opens %+v, the count does not", m.FailureRate, r)
		}
		if byRate {
			opened++
		}
		more := r
		if i := random.IntN(max(1, len(r.Counts))); i < len(r.Counts) && r.Counts[i].Kind == SuccessesOfSixth {
			at := r.Counts[i].Bucket * 10_000
			more.Counts = withCounts(r.Counts, []Count{{SuccessesOfSixth, 0, r.Counts[i].Bucket, 1}, {SuccessesOfSecond, 0, at / second, 1}})
			if l := m.ledger(r, noon); l.traffic() == 0 || l.age() >= trafficHintUsed { // else a success also says how many are not counted yet
				if after := m.judge(more, own, noon) == trips; after && !byRate {
					t.Fatalf("rate %g: one more success opens %+v", m.FailureRate, r)
				}
			}
		}
		if l := m.ledger(r, noon); byCount && len(r.Counts) == 0 && r.Traffic == 0 && l.age() >= countingGrace && l.all().failures+float64(own.weight) >= 5 {
			if alike++; !byRate {
				t.Fatalf("rate %g does not open %+v, which nothing makes up for", m.FailureRate, r)
			}
		}
	}
	if opened < 100 || alike < 20 {
		t.Errorf("only %d opened, %d of them without a success", opened, alike)
	}
}

func TestTrafficAndWeights(t *testing.T) {
	m := ratedMachine()
	for rule, c := range map[string]struct {
		r                            Record
		traffic                      float64
		ofFailures, ofSuccesses, set int64
	}{
		"unknown, and no success: nothing is known":                        {rated(0, failuresAt(0)), 0, 1, 256, 0},
		"unknown, a second later":                                          {rated(0, failuresAt(1_000)), 0, 1, 26, 0},
		"unknown, after 4 s":                                               {rated(0, failuresAt(4_000)), 0, 1, 1, 0},
		"the hint alone, as counting begins":                               {rated(3_000, failuresAt(0)), 50, 1, 75, 0},
		"the hint has lost half its weight after 2.5 s":                    {rated(3_000, failuresAt(2_500), m.counts(1_000, 0, 125)), (126 + 37.5) / (2.5 + 0.75), 1, 76, 0},
		"after 5 s it is not used, and replaced":                           {rated(90_000, failuresAt(5_000), m.counts(1_000, 0, 249)), 50, 1, 75, 3_000},
		"until every environment counts it is the hint at least":           {rated(3_000, failuresAt(100)), 50, 1, 75, 0},
		"the more failures, the more successes are recorded":               {rated(3_000, failuresAt(0, 0, 0, 0, 0)), (5 + 1.5*50) / 1.5, 1, 16, 0},
		"a circuit that has just closed learns its traffic":                {closedAt(rated(0, nil, m.counts(1_000, 0, 250)), noon-5_000), 50, 1, 75, 3_000},
		"of many failures few are recorded":                                {rated(3_000, failuresAt(20_000), m.counts(15_000, 799, 0)), 0, 4, 1, 0},
		"an unknown fleet in its first second writes no thousand failures": {rated(0, failuresAt(300), m.counts(100, 149, 0)), 0, 3, 128, 0},
		"high traffic samples failures before there are many":              {rated(300_000, failuresAt(0)), 5_000, 41, 7_501, 0},
	} {
		l := m.ledger(c.r, noon)
		traffic := l.traffic()
		if math.Abs(traffic-c.traffic) > 0.7 || l.failureWeight() != c.ofFailures || math.Abs(float64(l.successWeight()-c.ofSuccesses)) > 1 || math.Abs(float64(l.perMinute()-c.set)) > 60 {
			t.Errorf("%s: traffic %.2f, weights %d and %d, on record %d", rule, traffic, l.failureWeight(), l.successWeight(), l.perMinute())
		}
	}
}

// Steady errors far below the rate must not have the record read again before
// each call.
func TestSuspicionByNearness(t *testing.T) {
	m := ratedMachine()
	for rule, c := range map[string]struct {
		r    Record
		want bool
	}{
		"a young failure alone is not suspicious":           {rated(0, failuresAt(100)), false},
		"three of five are":                                 {rated(0, failuresAt(100, 200, 300)), true},
		"not if successes make up for them":                 {rated(0, failuresAt(100, 200, 300), m.counts(100, 0, 100)), false},
		"nor if the last is over 5 s ago":                   {rated(0, failuresAt(6_000, 6_100, 6_200, 6_300)), false},
		"steady errors of 1 % are not, at any time of them": {rated(3_000, failuresAt(100, 2_000, 4_000, 6_000, 8_000), m.counts(100, 0, 400)), false},
	} {
		l := m.ledger(c.r, noon)
		if got := l.suspicious(); got != c.want {
			t.Errorf("%s: %t, nearness %g", rule, got, l.worst().nearness())
		}
	}
}

// The expected weight of a call is 1, whatever weights it is drawn at.
func TestDrawsAreUnbiased(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, weights := range [][2]int64{{1, 1}, {7, 7}, {1, 40}, {40, 1}, {3, 5}, {256, 64}} {
		recorded := int64(0)
		const calls = 400_000
		for range calls {
			u := random.Uint64()
			if w := weights[0]; drawn(u, w) {
				if w = max(w, weights[1]); drawn(u, w) {
					recorded += w
				}
			}
		}
		if got := float64(recorded) / calls; math.Abs(got-1) > 0.1 {
			t.Errorf("%v: a call counts %.3f", weights, got)
		}
	}
}

func TestHalfOpenTolerance(t *testing.T) {
	m := ratedMachine()
	m.FailureRate, m.SuccessThreshold = 0.2, 10
	for rule, c := range map[string]struct {
		successes, failures int
		o                   Outcome
		want                State
	}{
		"a failed probe without successes reopens":       {0, 0, Outcome{Verdict: Failed}, Open},
		"three successes do not make up for it":          {3, 0, Outcome{Verdict: Failed}, Open},
		"four do":                                        {4, 0, Outcome{Verdict: Failed}, HalfOpen},
		"but not for a second one":                       {7, 1, Outcome{Verdict: Failed}, Open},
		"for which it takes eight":                       {8, 1, Outcome{Verdict: Failed}, HalfOpen},
		"a dependency that asks for a pause has its way": {9, 0, Outcome{Verdict: Failed, OpenFor: time.Minute}, Open},
		"a tolerated failure takes no success away":      {9, 2, Outcome{Verdict: Succeeded}, Closed},
	} {
		claim := Record{State: HalfOpen, Writer: "w", ProbeOwner: "e", ProbeUntil: noon, Successes: c.successes, ProbeFailures: c.failures, Traffic: 77}
		got := m.conclude(claim, c.o, noon, "w2").To
		if got.State != c.want || got.Traffic != 77 || got.State == HalfOpen && (got.Successes != c.successes || got.ProbeFailures != c.failures+1 || got.ProbeOwner != "") {
			t.Errorf("%s: %+v", rule, got)
		}
	}
}

func TestRamp(t *testing.T) {
	m := ratedMachine()
	m.RecoveryRamp = 10 * time.Second
	closing := m.conclude(Record{State: HalfOpen, Writer: "w", ProbeOwner: "e", ProbeUntil: noon, Successes: 1}, Outcome{}, noon, "w2").To
	for rule, c := range map[string]struct {
		r    Record
		now  int64
		want float64
	}{
		"a tenth at once":                              {closing, noon, 0.1},
		"half-way, half of the rest":                   {closing, noon + 5_000, 0.55},
		"all at its end":                               {closing, noon + 10_000, 1},
		"a circuit that never opened has no ramp":      {missing(), noon, 1},
		"a closing of a clock that is ahead is of now": {closing, noon - 900, 0.1},
		"a closing of a broken clock is not believed":  {closing, noon - 3_600_000, 1},
		"an open circuit has none":                     {Record{State: Open, ClosedAt: noon}, noon, 1},
	} {
		if got := m.ramp(c.r, c.now); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %g", rule, got)
		}
	}
}
