package breaker

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	exploreLevel  = flag.Int("explore.level", 0, "0: a second, 1: half a minute, 2: two minutes, 3: half an hour; see explorations")
	exploreReplay = flag.String("explore.replay", "", "replay this schedule, step by step, instead of exploring")
	exploreLimit  = flag.Int("explore.limit", 6_000_000, "most states of one situation, about 40 bytes each; 0 for no limit")
	exploreOnly   = flag.String("explore.only", "", "explore only the situations of these names, separated by commas")
	exploreEnvs   = flag.Int("explore.envs", 0, "explore fleets of this size, in every situation, in place of those of the table")
	exploreCalls  = flag.Int("explore.calls", 2, "with -explore.envs: calls of each environment")
	exploreTicks  = flag.Int("explore.ticks", 1, "with -explore.envs: times that the clock goes on")
	exploreFaults = flag.Int("explore.faults", 0, "with -explore.envs: faults in one schedule; 0 for one of each kind")
	exploreHands  = flag.Int("explore.hands", 0, "with -explore.envs: deletions and overrides by hand")
	exploreSplit  = flag.Bool("explore.split", false, "with -explore.envs: replies travel apart from their operations")
	exploreAges   = flag.Bool("explore.ages", false, "with -explore.envs: the clock stops at the ages of caches, too")
)

// explorations is what TestExplore goes through. Together is a reply that
// arrives with its operation; what happens between the two is explored where
// it is not. The largest fleets have no time, since each stop of the clock
// multiplies their states by about twenty.
var explorations = []struct {
	name   string
	level  int // of -explore.level, from which on it is gone through
	bounds bounds
	among  string // situations; empty: all
}{
	{"two environments, one call, one fault", 0, bounds{envs: 2, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, faults: 1, together: true}, "cold,brink,full,crowded,round,dead,own,waits,leased"},
	{"one environment, two calls, one fault, all instants", 1, bounds{envs: 1, calls: 2, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, faults: 1, ages: true}, ""},
	{"two environments, one call, two faults", 1, bounds{envs: 2, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, faults: 2}, "brink,reached,due,dead,waits"},
	{"two environments, one call, long", 2, bounds{envs: 2, calls: 1, ticks: 4, crashes: 1, losses: 1, stale: 1, freezes: 1, faults: 1, ages: true}, "cold,brink,full,dead"},
	{"two environments, two calls, one fault of each kind", 2, bounds{envs: 2, calls: 2, ticks: 1, crashes: 1, losses: 1, stale: 1, together: true}, "brink,reached"},
	{"two environments, two calls, by hand", 2, bounds{envs: 2, calls: 2, ticks: 1, hands: 1, together: true}, "brink,due"},
	{"three environments, one call", 2, bounds{envs: 3, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, faults: 1, together: true}, "brink,due,dead"},
	{"three environments, two calls", 2, bounds{envs: 3, calls: 2, losses: 1, together: true}, "brink"},
	{"two environments, one call, long, every situation", 3, bounds{envs: 2, calls: 1, ticks: 4, crashes: 1, losses: 1, stale: 1, freezes: 1, faults: 1, ages: true}, ""},
	{"two environments, two calls, one fault of each kind, every situation", 3, bounds{envs: 2, calls: 2, ticks: 1, crashes: 1, losses: 1, stale: 1, together: true}, ""},
	{"three environments, two calls, one fault", 3, bounds{envs: 3, calls: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, faults: 1, together: true}, "cold,brink,due,round"},
	{"three environments, three calls, one fault", 3, bounds{envs: 3, calls: 3, crashes: 1, losses: 1, stale: 1, faults: 1, together: true}, "brink,due"},
}

// TestExplore tries every order of what can happen in small fleets, and checks
// each invariant at each step.
func TestExplore(t *testing.T) {
	if *exploreEnvs > 0 {
		b := bounds{envs: *exploreEnvs, calls: *exploreCalls, ticks: *exploreTicks, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: *exploreHands, faults: *exploreFaults, together: !*exploreSplit, ages: *exploreAges}
		exploreAmong(t, b, *exploreOnly)
		return
	}
	for _, e := range explorations {
		if e.level > *exploreLevel {
			continue
		}
		among := e.among
		if *exploreOnly != "" {
			among = *exploreOnly
		}
		t.Run(e.name, func(t *testing.T) { exploreAmong(t, e.bounds, among) })
	}
}

func exploreAmong(t *testing.T, b bounds, names string) {
	began := time.Now()
	var states, steps, continued, deepest int
	var schedules float64
	extent := "complete"
	for _, at := range situations() {
		if names != "" && !slices.Contains(strings.Split(names, ","), at.name) {
			continue
		}
		s := &search{situation: at, bounds: b, limit: *exploreLimit}
		schedules += s.run()
		if s.breach != "" {
			short := schedule{at, b, s.trace}.shorten(s.breach)
			t.Fatalf("%s\n%s\nreplay with: go test ./pkg/breaker -run ExploreReplays -v -explore.replay='%s'", at.name, s.breach, short)
		}
		if s.cut {
			extent = "not complete"
		}
		states, steps, continued, deepest = states+len(s.schedules), steps+s.steps, continued+s.continued, max(deepest, s.deepest)
		if testing.Verbose() {
			t.Logf("%s: %d states, %d steps", at.name, len(s.schedules), s.steps)
		}
	}
	t.Logf("%s: %d states, %d steps, %.1e schedules of up to %d steps, %d states continued until closed, %.0f s",
		extent, states, steps, schedules, deepest, continued, time.Since(began).Seconds())
	if states == 0 {
		t.Errorf("no situation is called %q", names)
	}
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
