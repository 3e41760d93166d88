package breaker

import (
	"flag"
	"maps"
	"math/rand/v2"
	"os"
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
	exploreOperator   = flag.Int("explore.operator", 0, "with -explore.envs: deletions and overrides by hand")
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

	// decided is the sum of the hashes of all operations that the code decided. It
	// was first taken from the code before there was a failure rate, and the code
	// with one, set to 0, had the same: no schedule had another operation. Since
	// then it has changed with faults that were mended, and with nothing else.
	decided hash
}

// explorations is what TestExplore goes through. Together is a reply that
// arrives with its operation; what happens between the two is explored where
// it is not. The largest fleets have little time, since each stop of the clock
// multiplies their states by about twenty; of three environments with two calls
// each the orders are reduced, and with three calls the deviations from one
// order are bounded.
var explorations = []exploration{
	{0, bounds{envs: 2, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, operatorActions: 1, faults: 1, together: true}, "cold,brink,full,crowded,round,dead,own,waits,leased", 0xaa444d1e4cea7624},
	{0, bounds{envs: 2, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, operatorActions: 1, faults: 1, together: true}, "brink+rate,full+rate,crowded+rate,round+rate", 0},
	{0, bounds{envs: 2, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, faults: 1, together: true}, "due+neighbours,dead+neighbours,round+neighbours", 0},
	{1, bounds{envs: 1, calls: 2, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, operatorActions: 1, faults: 1, ages: true}, "", 0xb8358fbb7366a8d4},
	{1, bounds{envs: 2, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, operatorActions: 1, faults: 2}, "brink,reached,due,dead,waits", 0x386ce5edd974cf7c},
	{1, bounds{envs: 2, calls: 2, together: true}, "brink+rate,reached+rate", 0},
	{2, bounds{envs: 2, calls: 1, ticks: 4, crashes: 1, losses: 1, stale: 1, freezes: 1, faults: 1, ages: true}, "cold,brink,full,dead", 0xbc85f84508b8da52},
	{2, bounds{envs: 2, calls: 1, ticks: 3, crashes: 1, losses: 1, stale: 1, freezes: 1, operatorActions: 1, faults: 1, together: true}, "adrift,astray", 0x470beb38cfa24f77},
	{2, bounds{envs: 2, calls: 2, ticks: 1, crashes: 1, losses: 1, stale: 1, together: true}, "brink,reached", 0x3fb1c3e7c057664},
	{2, bounds{envs: 2, calls: 2, ticks: 1, operatorActions: 1, together: true}, "brink,due", 0x3aebbc41256f62d6},
	{2, bounds{envs: 3, calls: 1, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, faults: 1, together: true}, "brink,due,dead", 0xf4646f26042ff37a},
	{2, bounds{envs: 3, calls: 2, crashes: 1, losses: 1, stale: 1, together: true, reduced: true}, "brink,reached", 0x82f1bc29850735ec},
	{2, bounds{envs: 3, calls: 2, crashes: 1, together: true, reduced: true}, "due,round", 0x7e608f00895a449d},
	{2, bounds{envs: 3, calls: 2, ticks: 1, crashes: 1, together: true, reduced: true}, "dead", 0xf97f50568afa2e23},
	{2, bounds{envs: 3, calls: 3, together: true, ordered: true, deviations: 4}, "brink,due,round", 0xa32680846deb8893},
	{2, bounds{envs: 3, calls: 3, crashes: 1, losses: 1, stale: 1, faults: 1, together: true, ordered: true, deviations: 2}, "brink,due", 0x87f609615c939c2d},
	{3, bounds{envs: 2, calls: 1, ticks: 4, crashes: 1, losses: 1, stale: 1, freezes: 1, faults: 1, ages: true}, "", 0},
	{3, bounds{envs: 2, calls: 2, ticks: 1, crashes: 1, losses: 1, stale: 1, together: true}, "", 0},
	{3, bounds{envs: 3, calls: 2, ticks: 1, crashes: 1, losses: 1, stale: 1, faults: 1, together: true, reduced: true}, "dead", 0},
	{3, bounds{envs: 3, calls: 2, crashes: 1, losses: 1, stale: 1, operatorActions: 1, faults: 1, together: true, reduced: true}, "cold,brink,full,due,round", 0},
	{3, bounds{envs: 3, calls: 3, losses: 1, together: true, reduced: true}, "brink,reached", 0},
	{3, bounds{envs: 3, calls: 3, together: true, ordered: true, deviations: 5}, "brink,due,round", 0},
	{3, bounds{envs: 3, calls: 3, crashes: 1, losses: 1, stale: 1, faults: 1, together: true, ordered: true, deviations: 3}, "brink,reached", 0},
}

// TestExplore tries every order of what can happen in small fleets, and checks
// each invariant at each step.
func TestExplore(t *testing.T) {
	all := explorations
	if *exploreEnvs > 0 {
		all = []exploration{{3, bounds{envs: *exploreEnvs, calls: *exploreCalls, ticks: *exploreTicks, crashes: 1, losses: 1, stale: 1, freezes: 1, operatorActions: *exploreOperator, faults: *exploreFaults, together: !*exploreSplit, ages: *exploreAges, reduced: *exploreReduced, ordered: *exploreDeviations > 0, deviations: *exploreDeviations}, "", 0}}
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
	r, decided := row{explored: e.String(), extent: e.bounds.extent()}, hash(0)
	for _, at := range e.situations() {
		s := &search{situation: at, bounds: e.bounds, limit: *exploreLimit}
		s.run()
		decided += s.decided
		if s.breach != "" {
			short := schedule{at, e.bounds, s.trace}.shorten(s.breach)
			t.Fatalf("%s\n%s\nreplay with: go test ./pkg/breaker -run ExploreReplays -v -explore.replay='%s'", situationTitles[at.name], s.breach, short)
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
	if e.decided != 0 && e.decided != decided {
		t.Errorf("the operations are others than they were: their hashes add up to %#x in place of %#x", decided, e.decided)
	}
	r.took = time.Since(began)
	return r
}

// situations returns those of the exploration. A name may end in variants.
func (e exploration) situations() (all []*situation) {
	if e.among == "" {
		return situations()
	}
	for name := range strings.SplitSeq(e.among, ",") {
		if at := situationNamed(name); at != nil {
			all = append(all, at)
		}
	}
	return all
}

// String says in words what is explored.
func (e exploration) String() string {
	if e.among == "" {
		return e.bounds.String() + "; from every situation"
	}
	var titles []string
	for _, name := range strings.Split(e.among, ",") {
		base, variants, _ := strings.Cut(name, "+")
		title := situationTitles[base]
		if variants != "" {
			title += " (" + strings.ReplaceAll(variants, "+", ", ") + ")"
		}
		titles = append(titles, title)
	}
	return e.bounds.String() + "; from: " + strings.Join(titles, " / ")
}

func TestEverySituationHasATitle(t *testing.T) {
	for _, at := range situations() {
		if situationTitles[at.name] == "" {
			t.Errorf("%s has none", at.name)
		}
	}
}

// A clock that is off by more than Settings.MaxClockSkew can cost a failure: the
// environment whose clock is ahead prunes as dated too far back, or the other way
// round, what another still counts.
func TestBeyondTheAllowedSkewAFailureCanBeLost(t *testing.T) {
	for seed := range uint64(2_000) {
		b := bounds{envs: 3, calls: 4, ages: true}
		w := &walk{world: situationNamed("astray").begin(b), random: rand.New(rand.NewPCG(seed, 9))}
		for range 60 {
			w.left.ticks = 1 // as many as it takes
			m, ok := w.choose(w.moves(nil))
			if !ok || w.breach != "" {
				break
			}
			w.make(m)
		}
		if strings.HasPrefix(w.breach, mustCount) {
			return
		}
	}
	t.Error("no walk lost one: if the rule was mended, docs/correctness.md is to say so")
}

// docs/correctness.md explains each invariant under the name that breaches have.
func TestThePageExplainsEveryInvariant(t *testing.T) {
	page, err := os.ReadFile("../../docs/correctness.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range invariants {
		if number, what, _ := strings.Cut(name, " "); !strings.Contains(string(page), "| "+number+" | "+what+" |") {
			t.Errorf("the page has no row of %q", name)
		}
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
		t.Logf("%-14s %5d ms: %+v", m, w.now-startTime, w.record)
	})
	if breach != "" {
		t.Error(breach)
	}
}

// TestExploreOrderedGrows takes more and more deviations from one order of
// calls: at each ends are reached that fewer did not reach, and with enough of
// them all that a search of every order reaches.
func TestExploreOrderedGrows(t *testing.T) {
	at := situationNamed("due")
	full := search{situation: at, bounds: bounds{envs: 2, calls: 2, together: true}}
	want := full.ends()
	var before map[uint64]bool
	for deviations := 0; !maps.Equal(before, want); deviations++ {
		s := search{situation: at, bounds: full.bounds}
		s.bounds.ordered, s.bounds.deviations = true, deviations
		ends := s.ends()
		for end := range before {
			if !ends[end] {
				t.Fatalf("%d deviations miss an end that fewer reach", deviations)
			}
		}
		if len(ends) <= len(before) {
			t.Fatalf("%d deviations reach %d ends, as fewer do, of %d", deviations, len(ends), len(want))
		}
		before = ends
	}
}

func TestExploreTable(t *testing.T) {
	r := row{explored: exploration{bounds: bounds{envs: 3, calls: 2, crashes: 1, losses: 1, ticks: 1}, among: "brink,due"}.String(), extent: "complete", states: 1_971_095, steps: 957, schedules: 2.6e11}
	const want = "| 3 environments with 2 calls each; at most one each of: crash, lost reply; 1 step of the clock; replies arrive later than their operations; from: one failure below the threshold / open, recovery time over | complete | 1,971,095 | 957 | 2.6 · 10¹¹ | 0.0 |"
	if got := r.String(); got != want {
		t.Errorf("%s\nin place of\n%s", got, want)
	}
}

// These fleets are small enough for the search of every order. Equal
// environments are told apart in them, so that both searches name them alike.
var reducible = []exploration{
	{0, bounds{envs: 2, calls: 1, ticks: 1, crashes: 1, losses: 1, stale: 1, freezes: 1, operatorActions: 1, faults: 1}, "cold,waits", 0},
	{0, bounds{envs: 2, calls: 1, crashes: 1, losses: 1, stale: 1, freezes: 1, operatorActions: 1, faults: 2, together: true}, "brink,full,round", 0},
	{0, bounds{envs: 1, calls: 2, crashes: 1, losses: 1, operatorActions: 1}, "brink,due", 0},
	{0, bounds{envs: 2, calls: 2, together: true}, "brink,full,round", 0},
	{0, bounds{envs: 3, calls: 1, crashes: 1, losses: 1, stale: 1, together: true}, "brink", 0},
	{0, bounds{envs: 3, calls: 1, losses: 1}, "brink,reached", 0},
}

// each goes through the situations of an exploration, with the environments
// told apart.
func (e exploration) each(f func(*situation)) {
	for _, at := range situations() {
		if slices.Contains(strings.Split(e.among, ","), at.name) {
			at.alike = false
			f(at)
		}
	}
}

// ends returns the states in which nothing more can happen, without regard to
// the order in which calls were to run.
func (s *search) ends() map[uint64]bool {
	ends := make(map[uint64]bool)
	s.ended = func(w world) {
		w.left.ordered = false
		ends[w.hash()] = true
	}
	s.run()
	return ends
}

func TestExploreReducedEndsAlike(t *testing.T) {
	for _, e := range reducible {
		e.each(func(at *situation) {
			full := search{situation: at, bounds: e.bounds}
			reduced := search{situation: at, bounds: e.bounds}
			reduced.bounds.reduced = true
			want, got := full.ends(), reduced.ends()
			if full.breach != "" || reduced.breach != "" {
				t.Fatalf("%v from %s: %s%s", e.bounds, at.name, full.breach, reduced.breach)
			}
			if !maps.Equal(got, want) {
				t.Errorf("%v from %s: %d ends in place of %d", e.bounds, at.name, len(got), len(want))
			}
			if len(reduced.met) >= len(full.met) {
				t.Errorf("%v from %s: %d states in place of %d", e.bounds, at.name, len(reduced.met), len(full.met))
			}
		})
	}
}

// One environment has other settings than those that the checks judge by.
func TestExploreReducedFindsBugs(t *testing.T) {
	for _, bug := range []struct {
		at, breaks string
		plant      func(*Settings)
	}{
		{"cold", mustOpenByFailures, func(s *Settings) { s.FailureThreshold = 1 }},
		{"full", mustOpenByFailures, func(s *Settings) { s.FailureWindow *= 2 }},
		{"due", mustCloseBySuccesses, func(s *Settings) { s.SuccessThreshold = 1 }},
		{"due", mustProbeAlone, func(s *Settings) { s.ProbeTimeout, s.StoreTimeout = 10*time.Millisecond, 10*time.Millisecond }},
		{"round", mustCloseAgain, func(s *Settings) { s.RecoveryTimeout *= 2 }},
		{"brink", mustCount, func(s *Settings) { s.FailureThreshold = 3 }},
	} {
		for _, reduced := range []bool{false, true} {
			s := &search{bounds: bounds{envs: 2, calls: 2, losses: 1, together: true, reduced: reduced}}
			w := situationNamed(bug.at).begin(s.bounds)
			bug.plant(&w.envs[1].Settings)
			s.explore(w)
			if !strings.HasPrefix(s.breach, bug.breaks+":") {
				t.Errorf("from %s, reduced %t: %q is found in place of %q", bug.at, reduced, s.breach, bug.breaks)
			}
		}
	}
}

// TestExploreOwnMovesCommute walks at random, and holds each own move to what
// the reduction takes for granted: whether it comes before or after a move of
// somebody else makes no difference.
func TestExploreOwnMovesCommute(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	all := situations()
	pairs := 0
	for walk := range 400 {
		at := all[walk%len(all)]
		at.alike = false
		w := at.begin(bounds{envs: 3, calls: 2, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, operatorActions: 1, together: walk%2 == 0})
		for moves := w.moves(nil); len(moves) > 0 && w.breach == ""; moves = w.moves(nil) {
			m := moves[random.IntN(len(moves))]
			after := w.after(m)
			if env := w.mover(m); env != nobody && !after.shared {
				for _, other := range moves {
					if w.mover(other) == env || other.what == ticks {
						continue
					}
					pairs++
					if one, two := after.after(other), w.after(other).after(m); one.hash() != two.hash() || one.breach != two.breach {
						t.Fatalf("from %s: %v and %v do not commute", at.name, m, other)
					}
				}
			}
			w = after
		}
	}
	if pairs < 5_000 {
		t.Errorf("only %d pairs of moves were tried", pairs)
	}
}

// after is the world that a move makes.
func (w *world) after(m move) *world {
	next := new(world)
	w.copyTo(next)
	next.make(m)
	return next
}
