package breaker

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// These fleets are small enough for the search of every order. Equal
// environments are told apart in them, lest the two searches name them
// differently.
var reducible = []exploration{
	{0, bounds{envs: 2, calls: 1, ticks: 1, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, faults: 1}, "cold,waits"},
	{0, bounds{envs: 2, calls: 1, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, faults: 2, together: true}, "brink,full,round"},
	{0, bounds{envs: 1, calls: 2, crashes: 1, losses: 1, hands: 1}, "brink,due"},
	{0, bounds{envs: 2, calls: 2, together: true}, "brink,full,round"},
	{0, bounds{envs: 3, calls: 1, crashes: 1, losses: 1, stale: 1, together: true}, "brink"},
	{0, bounds{envs: 3, calls: 1, losses: 1}, "brink,reached"},
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

// TestExploreReducedFindsBugs returns one environment settings of its own, which
// the checks do not know of.
func TestExploreReducedFindsBugs(t *testing.T) {
	for _, bug := range []struct {
		at, breaks string
		plant      func(*Settings)
	}{
		{"cold", mustOpenByFailures, func(s *Settings) { s.FailureThreshold = 1 }},
		{"full", mustOpenByFailures, func(s *Settings) { s.FailureWindow *= 2 }},
		{"due", mustCloseBySuccesses, func(s *Settings) { s.SuccessThreshold = 1 }},
		{"due", mustProbeAlone, func(s *Settings) { s.ProbeTimeout /= 2 }},
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
		w := at.begin(bounds{envs: 3, calls: 2, ticks: 2, crashes: 1, losses: 1, stale: 1, freezes: 1, hands: 1, together: walk%2 == 0})
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
