package breaker

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
)

var (
	walkRuns = flag.Int("walk.runs", 2000, "random walks to make")
	walkSeed = flag.Uint64("walk.seed", 0, "make only this walk, printing it")
)

// walkSteps is the number of moves of one walk. A walk that is twice as long finds
// fewer bugs than two walks.
const walkSteps = 150

// TestWalk makes random walks through the explorer's worlds: longer schedules than
// can be explored, of calls that follow one another, with every kind of fault, every
// act of an operator, callers in a hurry and dependencies that say for how long to
// leave them alone. Some circuits have growing openings or need two environments to
// open. Each move is checked as in the exploration, and so is that the circuit
// closes again at the end.
func TestWalk(t *testing.T) {
	if *walkSeed != 0 {
		w := newWalk(*walkSeed)
		w.tell = func(m move) { t.Logf("%-14s %5d ms: %+v", m, w.now-startTime, w.record) }
		w.run()
		w.report(t, *walkSeed)
		return
	}
	met := encounters{}
	for seed := range uint64(*walkRuns) {
		w := newWalk(seed + 1)
		w.run()
		met.add(w.met)
		if w.report(t, seed+1); t.Failed() {
			return
		}
	}
	t.Logf("%+v", met)
	if missing := met.missing(); len(missing) > 0 {
		t.Errorf("no walk met %v: the walks prove nothing about that", missing)
	}
}

// walk is a random walk through a world.
type walk struct {
	*world
	random  *rand.Rand
	healthy bool // the dependency
	deletes bool // an operator who deletes the item often
	trace   []move
	met     encounters
	tell    func(move)
}

func newWalk(seed uint64) *walk {
	r := rand.New(rand.NewPCG(seed, 1))
	var within []*situation
	for _, s := range situations() {
		if !s.beyond {
			within = append(within, s)
		}
	}
	at := within[r.IntN(len(within))]
	at.vary(shortOpenings)
	if seed%3 == 0 {
		at.vary(backOff)
	}
	if seed%5 == 0 {
		at.vary(twoNeeded)
	}
	if seed%2 == 0 {
		at.vary(withRate)
	}
	if seed%4 == 1 {
		at.vary(neighbours)
	}
	b := plenty
	b.envs, b.calls, b.endless = 2+r.IntN(2), 2+r.IntN(2), true
	return &walk{world: at.begin(b), random: r, healthy: r.IntN(2) == 0, deletes: seed%4 == 0, met: encounters{}, tell: func(move) {}}
}

func (w *walk) run() {
	var moves []move
	for len(w.trace) < walkSteps && w.breach == "" {
		if w.random.IntN(40) == 0 {
			w.healthy = !w.healthy
		}
		w.left = plentyOf(w.left)
		m, ok := w.choose(w.moves(moves[:0]))
		if !ok {
			break
		}
		before := w.record
		w.trace = append(w.trace, m)
		w.make(m)
		w.tell(m)
		w.met.note(m, before, w.world)
	}
	if w.breach == "" {
		w.breach = w.closesAgain()
	}
}

// plentyOf fills the budgets up again: a walk is bounded by its length alone.
func plentyOf(b bounds) bounds {
	full := plenty
	full.envs, full.calls, full.endless, full.faults = b.envs, b.calls, b.endless, 1<<30
	return full
}

// choose draws a move by weight.
func (w *walk) choose(moves []move) (move, bool) {
	total := 0
	for _, m := range moves {
		total += w.weight(m)
	}
	if total == 0 {
		return move{}, false
	}
	at := w.random.IntN(total)
	for _, m := range moves {
		if at -= w.weight(m); at < 0 {
			return m, true
		}
	}
	panic("a weight changed")
}

// weight is how often a move is made, relative to the others. Faults are rare
// enough for several calls to go well between two of them.
func (w *walk) weight(m move) int {
	switch m.what {
	case arrives:
		return []int{0: 30, hurried: 5}[m.how]
	case performs, replies:
		return 80
	case performsStale, strayLands, ticks:
		return 20
	case performsTwice, loses, freezes, stepsBack:
		return 8
	case dies:
		return 4
	case operates:
		if m.how == deletes && w.deletes {
			return 12
		}
		return 2
	case ends:
		ill := map[bool][]int{
			true:  {Succeeded: 60, Failed: 4, Neutral: 8, endsForAWhile: 0},
			false: {Succeeded: 6, Failed: 60, Neutral: 8, endsForAWhile: 8},
		}
		return ill[w.healthy][m.how]
	}
	return 0
}

func (w *walk) report(t *testing.T, seed uint64) {
	if w.breach == "" {
		return
	}
	b := plenty
	b.envs, b.calls, b.endless = w.left.envs, w.left.calls, true
	short := schedule{w.situation, b, w.trace}.shorten(w.breach)
	t.Errorf("walk %d of %s\n%s\nreplay with: go test ./pkg/breaker -run ExploreReplays -v -explore.replay='%s'", seed, w.situation.name, w.breach, short)
}

// encounters count what walks have met, to show that they were not idle.
type encounters map[string]int

func (e encounters) note(m move, before Record, w *world) {
	s, after := &w.slots[m.who], w.record
	overridden := m.what == operates && m.how != deletes && before.Generation != after.Generation
	for what, met := range map[string]bool{
		"opened":                  before.State == Closed && after.State == Open,
		"opened for a while":      before.State == Closed && after.State == Open && s.openFor,
		"reopened":                before.State == HalfOpen && after.State == Open,
		"closed":                  before.State == HalfOpen && after.State == Closed,
		"probe":                   s.phase == calling && s.call.probe && m.what != ends,
		"local call":              s.phase == calling && s.call.local,
		"caller in a hurry":       m.what == arrives && m.how == hurried,
		"trim":                    s.op.kind == opPrune && s.call.stage == trimming,
		"death":                   m.what == dies,
		"lost reply":              m.what == loses,
		"stray operation":         m.what == strayLands,
		"stale read":              m.what == performsStale,
		"deletion":                m.what == operates && m.how == deletes,
		"override":                overridden,
		"count":                   len(after.Counts) > len(before.Counts),
		"counts of an old epoch":  slices.ContainsFunc(after.Counts, func(c Count) bool { return c.Epoch != after.Epoch }),
		"count sent twice":        m.what == performsTwice && s.op.kind == opCount,
		"opened by rate":          before.State == Closed && after.State == Open && after.TrippedCalls > 0,
		"failures tolerated":      after.State == Closed && len(after.Failures) >= w.settings.FailureThreshold && w.settings.FailureRate > 0,
		"clock set back":          m.what == stepsBack && m.how == 0,
		"lease of a neighbour":    w.neighbour != nil && after.ProbeOwner != "" && before.ProbeOwner == "" && s.env == 1,
		"override during a probe": overridden && before.ProbeOwner != "",
	} {
		if e[what] += 0; met {
			e[what]++
		}
	}
}

func (e encounters) add(other encounters) {
	for what, n := range other {
		e[what] += n
	}
}

// missing returns what was never met.
func (e encounters) missing() (names []string) {
	for what, n := range e {
		if n == 0 {
			names = append(names, what)
		}
	}
	return names
}
