package breaker

import (
	"fmt"
	"slices"
	"strings"
)

// search tries every order of moves from one beginning, depth first. A state
// that was met before is not gone into again: what can follow it is known, and
// how many schedules, too.
type search struct {
	situation *situation
	bounds    bounds
	limit     int // most states; 0: none

	schedules map[uint64]float64 // that follow each state met
	worlds    []*world           // one for each depth, reused
	choices   [][]move
	trace     []move

	steps, deepest, continued int
	cut                       bool // by the limit
	breach                    string
}

// oneInMany of the states met is tried for a way back to a closed circuit;
// every state in which nothing more can happen is.
const oneInMany = 512

// run gives the number of schedules.
func (s *search) run() float64 {
	s.schedules = make(map[uint64]float64)
	s.worlds = []*world{s.situation.begin(s.bounds)}
	return s.from(0)
}

// from explores what can follow the world at a depth, and counts it.
func (s *search) from(depth int) float64 {
	w := s.worlds[depth]
	s.deepest = max(s.deepest, depth)
	if s.breach = w.breach; s.breach != "" {
		return 0
	}
	key := w.hash()
	if n, met := s.schedules[key]; met {
		return n
	}
	if s.limit > 0 && len(s.schedules) >= s.limit {
		s.cut = true
		return 0
	}
	if depth+1 == len(s.worlds) {
		s.worlds = append(s.worlds, new(world))
	}
	for len(s.choices) <= depth {
		s.choices = append(s.choices, nil)
	}
	s.choices[depth] = w.moves(s.choices[depth][:0])
	last := !slices.ContainsFunc(s.choices[depth], func(m move) bool { return m.what != ticks })
	if last || key%oneInMany == 0 {
		s.continued++
		if s.breach = w.closesAgain(); s.breach != "" {
			return 0
		}
	}
	total := 0.0
	for _, m := range s.choices[depth] {
		next := s.worlds[depth+1]
		w.copyTo(next)
		next.make(m)
		s.steps++
		s.trace = append(s.trace, m)
		total += s.from(depth + 1)
		if s.breach != "" {
			return 0
		}
		s.trace = s.trace[:len(s.trace)-1]
	}
	if total == 0 {
		total = 1
	}
	s.schedules[key] = total
	return total
}

// schedule is a world's beginning and what then happens in it. Its text replays
// it.
type schedule struct {
	situation *situation
	bounds    bounds
	moves     []move
}

func (s schedule) String() string {
	b := s.bounds
	parts := []string{fmt.Sprintf("%s:%d:%d:%t", s.situation.name, b.envs, b.calls, b.together)}
	for _, m := range s.moves {
		parts = append(parts, m.String())
	}
	return strings.Join(parts, " ")
}

func parseSchedule(text string) (schedule, error) {
	parts := strings.Fields(text)
	if len(parts) == 0 {
		return schedule{}, fmt.Errorf("an empty schedule")
	}
	begin := strings.Split(parts[0], ":")
	s := schedule{situation: situationNamed(begin[0]), bounds: plenty}
	if len(begin) != 4 || s.situation == nil {
		return schedule{}, fmt.Errorf("no situation in %q", parts[0])
	}
	s.bounds.together = begin[3] == "true"
	if _, err := fmt.Sscan(begin[1]+" "+begin[2], &s.bounds.envs, &s.bounds.calls); err != nil {
		return schedule{}, fmt.Errorf("no fleet in %q: %w", parts[0], err)
	}
	for _, part := range parts[1:] {
		name, numbers, _ := strings.Cut(part, ":")
		m := move{what: moveKind(slices.Index(moveNames[:], name))}
		if _, err := fmt.Sscanf(numbers, "%d:%d", &m.who, &m.how); err != nil || int(m.what) >= len(moveNames) {
			return schedule{}, fmt.Errorf("no move is %q", part)
		}
		s.moves = append(s.moves, m)
	}
	return s, nil
}

// plenty is a bound for replays: what a trace says may happen, may.
var plenty = bounds{ages: true, ticks: 99, crashes: 99, losses: 99, stale: 99, freezes: 99, hands: 99}

// replay gives the broken invariant, if any. Moves that cannot happen are left
// out, so that a schedule can be shortened by dropping some.
func (s schedule) replay(tell func(*world, move)) string {
	w := s.situation.begin(s.bounds)
	for _, m := range s.moves {
		if !slices.Contains(w.moves(nil), m) {
			continue
		}
		w.make(m)
		tell(w, m)
		if w.breach != "" {
			return w.breach
		}
	}
	return w.closesAgain()
}

// shorten drops moves as long as the same invariant breaks.
func (s schedule) shorten(breach string) schedule {
	invariant, _, _ := strings.Cut(breach, ":")
	silent := func(*world, move) {}
	for shorter := true; shorter; {
		shorter = false
		for i := len(s.moves) - 1; i >= 0; i-- {
			try := s
			try.moves = slices.Delete(slices.Clone(s.moves), i, i+1)
			if strings.HasPrefix(try.replay(silent), invariant+":") {
				s, shorter = try, true
			}
		}
	}
	return s
}
