package breaker

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	exploreLevel      = flag.Int("explore.level", 0, "0: a second, 1: half a minute, 2: two minutes, 3: half an hour; see explorations")
	exploreReplay     = flag.String("explore.replay", "", "replay this schedule, step by step, instead of exploring")
	exploreLimit      = flag.Int("explore.limit", 6_000_000, "most states of one situation, about 40 bytes each; 0 for no limit")
	exploreOnly       = flag.String("explore.only", "", "explore only the situations of these names, separated by commas")
	exploreEnvs       = flag.Int("explore.envs", 0, "explore fleets of this size, in every situation, in place of those of the table")
	exploreCalls      = flag.Int("explore.calls", 2, "with -explore.envs: calls of each environment")
	exploreTicks      = flag.Int("explore.ticks", 1, "with -explore.envs: times that the clock goes on")
	exploreFaults     = flag.Int("explore.faults", 0, "with -explore.envs: faults in one schedule; 0 for one of each kind")
	exploreHands      = flag.Int("explore.hands", 0, "with -explore.envs: deletions and overrides by hand")
	exploreSplit      = flag.Bool("explore.split", false, "with -explore.envs: replies travel apart from their operations")
	exploreReduced    = flag.Bool("explore.reduced", false, "with -explore.envs: of orders that make no difference few are tried")
	exploreDeviations = flag.Int("explore.deviations", 0, "with -explore.envs: calls run one after another, but for this many deviations; 0: in every order")
	exploreAges       = flag.Bool("explore.ages", false, "with -explore.envs: the clock stops at the ages of caches, too")
)

// exploration is some situations and what may happen in them.
type exploration struct {
	level  int // of -explore.level, from which on it is gone through
	bounds bounds
	among  string // situations; empty: all
}

// explorations is what TestExplore goes through. Together is a reply that
// arrives with its operation; what happens between the two is explored where
// it is not. The largest fleets have little time, since each stop of the clock
// multiplies their states by about twenty; of three environments with two calls
// each the orders are reduced, and with three calls the deviations from one
// order are bounded.
var explorations = []exploration{
	{0, bounds{envs: 2, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, faults: 1, together: true}, "cold,brink,full,crowded,round,dead,own,waits,leased"},
	{1, bounds{envs: 1, calls: 2, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, faults: 1, ages: true}, ""},
	{1, bounds{envs: 2, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, faults: 2}, "brink,reached,due,dead,waits"},
	{2, bounds{envs: 2, calls: 1, ticks: 4, crashes: 1, losses: 1, stale: 1, freezes: 1, faults: 1, ages: true}, "cold,brink,full,dead"},
	{2, bounds{envs: 2, calls: 1, ticks: 3, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, faults: 1, together: true}, "adrift,astray"},
	{2, bounds{envs: 2, calls: 2, ticks: 1, crashes: 1, losses: 1, stale: 1, together: true}, "brink,reached"},
	{2, bounds{envs: 2, calls: 2, ticks: 1, hands: 1, together: true}, "brink,due"},
	{2, bounds{envs: 3, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, faults: 1, together: true}, "brink,due,dead"},
	{2, bounds{envs: 3, calls: 2, crashes: 1, losses: 1, stale: 1, together: true, reduced: true}, "brink,reached"},
	{2, bounds{envs: 3, calls: 2, crashes: 1, together: true, reduced: true}, "due,round"},
	{2, bounds{envs: 3, calls: 2, ticks: 1, crashes: 1, together: true, reduced: true}, "dead"},
	{2, bounds{envs: 3, calls: 3, together: true, ordered: true, deviations: 4}, "brink,due,round"},
	{2, bounds{envs: 3, calls: 3, crashes: 1, losses: 1, stale: 1, faults: 1, together: true, ordered: true, deviations: 2}, "brink,due"},
	{3, bounds{envs: 2, calls: 1, ticks: 4, crashes: 1, losses: 1, stale: 1, freezes: 1, faults: 1, ages: true}, ""},
	{3, bounds{envs: 2, calls: 2, ticks: 1, crashes: 1, losses: 1, stale: 1, together: true}, ""},
	{3, bounds{envs: 3, calls: 2, ticks: 1, crashes: 1, losses: 1, stale: 1, faults: 1, together: true, reduced: true}, "dead"},
	{3, bounds{envs: 3, calls: 2, crashes: 1, losses: 1, stale: 1, hands: 1, faults: 1, together: true, reduced: true}, "cold,brink,full,due,round"},
	{3, bounds{envs: 3, calls: 3, losses: 1, together: true, reduced: true}, "brink,reached"},
	{3, bounds{envs: 3, calls: 3, together: true, ordered: true, deviations: 5}, "brink,due,round"},
	{3, bounds{envs: 3, calls: 3, crashes: 1, losses: 1, stale: 1, faults: 1, together: true, ordered: true, deviations: 3}, "brink,reached"},
}

// TestExplore tries every order of what can happen in small fleets, and checks
// each invariant at each step.
func TestExplore(t *testing.T) {
	all := explorations
	if *exploreEnvs > 0 {
		all = []exploration{{3, bounds{envs: *exploreEnvs, calls: *exploreCalls, ticks: *exploreTicks, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: *exploreHands, faults: *exploreFaults, together: !*exploreSplit, ages: *exploreAges, reduced: *exploreReduced, ordered: *exploreDeviations > 0, deviations: *exploreDeviations}, ""}}
	}
	rows := newTable()
	for _, e := range all {
		if e.level > *exploreLevel && *exploreEnvs == 0 {
			continue
		}
		if *exploreOnly != "" {
			e.among = *exploreOnly
		}
		t.Run(e.bounds.String(), func(t *testing.T) { rows.add(e.explore(t)) })
	}
	if !t.Failed() {
		rows.end()
	}
}

func (e exploration) explore(t *testing.T) row {
	began := time.Now()
	r := row{explored: e.String(), extent: e.bounds.extent()}
	for _, at := range situations() {
		if e.among != "" && !slices.Contains(strings.Split(e.among, ","), at.name) {
			continue
		}
		s := &search{situation: at, bounds: e.bounds, limit: *exploreLimit}
		s.run()
		if s.breach != "" {
			short := schedule{at, e.bounds, s.trace}.shorten(s.breach)
			t.Fatalf("%s\n%s\nreplay with: go test ./pkg/breaker -run ExploreReplays -v -explore.replay='%s'", at.name, s.breach, short)
		}
		if s.cut {
			r.extent = "not complete"
			if e.level < 3 {
				t.Errorf("%s has more than %d states", at.name, s.limit)
			}
		}
		r.add(row{states: len(s.met), steps: s.steps, schedules: s.schedules})
	}
	if r.states == 0 {
		t.Errorf("no situation is called %q", e.among)
	}
	r.took = time.Since(began)
	return r
}

// String says in words what is explored.
func (e exploration) String() string {
	if e.among == "" {
		return e.bounds.String() + "; every situation"
	}
	return e.bounds.String() + "; " + strings.ReplaceAll(e.among, ",", ", ")
}

func TestExploreReplays(t *testing.T) {
	if *exploreReplay == "" {
		return
	}
	s, err := parseSchedule(*exploreReplay)
	if err != nil {
		t.Fatal(err)
	}
	breach := s.replay(func(w *world, m move) {
		t.Logf("%-14s %5d ms: %+v", m, w.now-dawn, w.record)
	})
	if breach != "" {
		t.Error(breach)
	}
}
