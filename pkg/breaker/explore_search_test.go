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
	limit     int         // most states; 0: none
	ended     func(world) // if set, told of each world in which nothing more can happen

	met     map[uint64]float64 // schedules that follow each state
	worlds  []*world           // one for each depth, reused
	choices [][]move
	trace   []move

	schedules float64
	steps     int
	cut       bool // by the limit
	breach    string
}

// oneInMany of the states met is tried for a way back to a closed circuit;
// every state in which nothing more can happen is.
const oneInMany = 512

// run explores all from the beginning.
func (s *search) run() { s.explore(s.situation.begin(s.bounds)) }

func (s *search) explore(w *world) {
	s.met = make(map[uint64]float64)
	s.worlds = []*world{w}
	s.schedules = s.from(0)
}

// from explores what can follow the world at a depth, and gives the number of
// schedules. A world in which somebody goes on alone is not worth noting.
func (s *search) from(depth int) float64 {
	w := s.worlds[depth]
	if s.breach = w.breach; s.breach != "" {
		return 0
	}
	if w.lone != nobody {
		return s.try(depth, s.choose(depth))
	}
	key := w.hash()
	if n, met := s.met[key]; met {
		return n
	}
	if s.limit > 0 && len(s.met) >= s.limit {
		s.cut = true
		return 0
	}
	choices := s.choose(depth)
	if s.breach = s.comesToRest(key, w, choices); s.breach != "" {
		return 0
	}
	total := 1.0
	if len(choices) > 0 {
		total = s.try(depth, choices)
	}
	s.met[key] = total
	return total
}

// try makes each of the moves from a depth.
func (s *search) try(depth int, choices []move) float64 {
	total := 0.0
	for _, m := range choices {
		next := s.worlds[depth+1]
		s.worlds[depth].copyTo(next)
		next.make(m)
		s.steps++
		s.trace = append(s.trace, m)
		total += s.from(depth + 1)
		if s.breach != "" {
			return 0
		}
		s.trace = s.trace[:len(s.trace)-1]
	}
	return total
}

// choose returns the moves from a depth.
func (s *search) choose(depth int) []move {
	if depth+1 == len(s.worlds) {
		s.worlds = append(s.worlds, new(world))
	}
	for len(s.choices) <= depth {
		s.choices = append(s.choices, nil)
	}
	s.choices[depth] = s.worlds[depth].moves(s.choices[depth][:0])
	return s.choices[depth]
}

// comesToRest tries a way back to a closed circuit from where nothing more can
// happen, and from some states on the way.
func (s *search) comesToRest(key uint64, w *world, choices []move) string {
	last := !slices.ContainsFunc(choices, func(m move) bool { return m.what != ticks })
	if len(choices) == 0 && s.ended != nil {
		s.ended(*w)
	}
	if last || key%oneInMany == 0 {
		return w.closesAgain()
	}
	return ""
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

// replay returns the broken invariant, if any. Moves that cannot happen are left
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
