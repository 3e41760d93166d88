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
	decided   hash // all that the real code decided, in any order
	cut       bool // by the limit
	breach    string
}

// oneInMany of the states met is tried for a way back to a closed circuit;
// every state in which nothing more can happen is.
const oneInMany = 512

// run explores all from the beginning.
func (s *search) run() {
	w := s.situation.begin(s.bounds)
	w.decided = &s.decided
	s.explore(w)
}

func (s *search) explore(w *world) {
	s.met = make(map[uint64]float64)
	s.worlds = []*world{w}
	s.schedules = s.from(0)
}

// from explores what can follow the world at a depth, and returns the number of
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
	parts := []string{fmt.Sprintf("%s:%d:%d:%t:%t", s.situation.name, b.envs, b.calls, b.together, b.endless)}
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
	if len(begin) != 5 || s.situation == nil {
		return schedule{}, fmt.Errorf("no situation in %q", parts[0])
	}
	s.bounds.together, s.bounds.endless = begin[3] == "true", begin[4] == "true"
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
var plenty = bounds{ages: true, ticks: 99, crashes: 99, losses: 99, stale: 99, freezes: 99, operatorActions: 99}

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

// Two worlds with the same hash are taken for the same: 64 bits make a
// collision among ten million states a matter of one in 400,000. What has no
// influence on any decision is left out: reasons, and times that are only shown.

type hash uint64

func (h *hash) add(x uint64) {
	*h = (*h ^ hash(x)) * 0x9E3779B97F4A7C15
	*h ^= *h >> 29
}

func (h *hash) num(xs ...int64) {
	for _, x := range xs {
		h.add(uint64(x))
	}
}

func (h *hash) text(s string) {
	x := uint64(len(s))
	for i := range len(s) {
		x = x*257 + uint64(s[i])
	}
	h.add(x)
}

func (h *hash) flags(fs ...bool) {
	var x uint64
	for _, f := range fs {
		x <<= 1
		if f {
			x |= 1
		}
	}
	h.add(x)
}

func hashText(s string) uint64 {
	var h hash
	h.text(s)
	return uint64(h)
}

func (h *hash) record(r *Record) { h.add(hashRecord(*r)) }

func hashRecord(r Record) uint64 {
	var h hash
	h.num(r.Generation, r.Epoch, r.RetryAt, r.ProbeUntil, int64(r.Successes), int64(r.ConsecutiveOpens))
	h.text(r.Writer)
	h.text(string(r.State))
	h.text(r.ProbeOwner)
	h.text(string(r.OverrideMode))
	h.num(r.OverrideUntil)
	var set uint64 // a set: its order means nothing
	for _, id := range r.Failures {
		set += hashText(string(id))
	}
	h.add(set)
	for _, c := range r.Counts {
		h.num(int64(c.Kind), c.Epoch, c.Bucket, c.Calls)
	}
	if r.ProbeLimit != 0 {
		h.num(r.ProbeLimit)
	}
	if r.Traffic != 0 || r.ProbeFailures != 0 || r.ClosedAt != 0 {
		h.num(r.Traffic, int64(r.ProbeFailures), r.ClosedAt)
	}
	return uint64(h)
}

func (w *world) touchEnv(env int) {
	if w.left.endless {
		return // a walk never asks whether it was here before
	}
	n := &w.envs[env]
	var h hash
	h.text(n.id)
	h.record(n.record)
	h.flags(n.known, n.claiming, n.refreshing, n.storeOutage.retrying, n.storeOutage.writeFailed)
	w.addOrder(&h, env)
	h.num(n.sent, n.storeOutage.since, n.storeOutage.retryAt, int64(n.storeOutage.failures))
	if n.storeOutage.since != 0 {
		h.record(n.storeOutage.record)
	}
	if n.own != nil {
		h.num(n.own.epoch, int64(n.own.taken*1e6))
	}
	w.envHash[env] = uint64(h)
}

// addOrder adds what the order of operations says: which of those under way were
// asked before the record was answered, or asked, and before each other.
func (w *world) addOrder(h *hash, env int) {
	n := &w.envs[env]
	for i := range w.slots {
		s := &w.slots[i]
		if s.env != env || s.phase != sent && s.phase != performed {
			continue
		}
		before := 0
		for j := range w.slots {
			if other := &w.slots[j]; other.env == env && (other.phase == sent || other.phase == performed) && other.call.asked < s.call.asked {
				before++
			}
		}
		h.num(int64(i), int64(before))
		h.flags(s.call.asked > n.answered, s.call.asked >= n.asked)
	}
}

func (w *world) touchSlot(i int) {
	if !w.left.endless {
		w.slots[i].hash = w.slots[i].sum()
	}
}

func (s *slot) sum() uint64 {
	var h hash
	h.num(int64(s.phase))
	if s.phase == unborn || s.phase == over {
		return uint64(h)
	}
	c := &s.call
	h.num(int64(c.stage), c.epoch, c.outageSince, int64(c.conflicts), int64(c.outcome.Verdict), int64(s.ids))
	h.flags(c.probe, c.local, c.retriesStore, c.loaded, c.claimSlot, c.disabled, s.held, s.eventual, s.frozen, s.lost)
	h.text(string(c.failure))
	h.text(string(s.counted))
	h.text(s.won)
	h.num(s.sentAt, s.admitted, int64(s.verdict), s.reported)
	if c.weight > 1 || c.recorded {
		h.num(c.weight)
		h.flags(c.recorded)
	}
	if c.probe {
		h.record(c.claim)
	}
	switch s.phase {
	case calling:
		if c.probe {
			h.num(s.until)
		}
		return uint64(h)
	case performed:
		h.record(&s.reply)
	}
	s.op.sum(&h)
	return uint64(h)
}

func (o *op) sum(h *hash) {
	h.num(int64(o.kind))
	h.flags(o.consistent)
	switch o.kind {
	case opAppend:
		h.text(o.failure.New)
		h.num(o.failure.Epoch)
	case opPrune:
		h.num(o.epoch)
		for _, id := range o.ids {
			h.text(string(id))
		}
	case opCount:
		h.num(o.tally.Epoch, o.tally.Traffic)
		for _, c := range append(slices.Clone(o.tally.Add), o.tally.Gone...) {
			h.num(int64(c.Kind), c.Epoch, c.Bucket, c.Calls)
		}
	case opChange:
		h.record(&o.change.From)
		h.record(&o.change.To)
	}
}

// digest is a hash of everything in an operation, down to what is only shown.
func (o *op) digest() hash {
	var h hash
	o.sum(&h)
	h.flags(o.cold, o.attached, o.backgroundRead, o.err != nil)
	h.num(o.wait, o.failure.At, int64(o.failure.Cap), int64(len(o.notices)))
	h.text(string(o.failure.ID))
	var change Change
	if o.change != nil {
		change = *o.change
	}
	for _, r := range []*Record{&change.From, &change.To} {
		h.num(r.LastFailureAt, r.OpenedAt, r.FirstOpenedAt, int64(r.TrippedBy))
		h.text(r.Reason + r.OverrideBy + r.OverrideWhy)
	}
	if o.rejection != nil {
		h.text(o.rejection.Error())
		h.flags(o.rejection.Local)
	}
	return h
}

func (w *world) hash() uint64 {
	var h hash
	l := &w.left
	h.num(w.now, int64(w.successes), int64(l.ticks), int64(l.crashes), int64(l.losses), int64(l.stale), int64(l.freezes), int64(l.operatorActions), int64(l.faults))
	h.add(w.announced)
	h.record(&w.record)
	if l.stale > 0 && l.faults > 0 {
		h.record(&w.older)
	}
	h.flags(w.deleted, w.disabled)
	if l.ordered {
		h.num(int64(w.due()), int64(l.deviations))
	}
	for env := range l.envs {
		if w.retired(env) {
			h.add(0)
			continue
		}
		h.add(w.envHash[env])
	}
	for i := range w.slots {
		h.add(w.slots[i].hash)
	}
	if w.stray != nil {
		h.add(w.stray.hash)
	}
	return uint64(h)
}

// Delay bounding (Emmi, Qadeer, Rakamarić 2011). In a world of ordered bounds
// the calls run one after another, each from its arrival to its end: the first
// call of each environment, then the second of each, and so on round. A
// deviation passes over the call whose turn it is, which goes on when its turn
// comes again. So few deviations make the races that need few switches from
// call to call, whatever the number of calls. Free of them is what no scheduler
// decides: how a call ends, faults, the clock, an operator's hand.

// ordered keeps the moves for which enough deviations are left.
func (w *world) ordered(all []move) []move {
	kept := all[:0]
	for _, m := range all {
		if !m.takesTurn() || w.deviations(m.who) <= w.left.deviations {
			kept = append(kept, m)
		}
	}
	return kept
}

func (m move) takesTurn() bool { return m.what <= loses || m.what == ends }

// takeTurn makes it a call's turn.
func (w *world) takeTurn(i int) {
	w.left.deviations -= w.deviations(i)
	w.turn = i
}

// deviations counts the calls that are passed over if a call comes next.
func (w *world) deviations(i int) int {
	n := 0
	for j := range w.slots {
		if w.ready(j) && w.turnsUntil(j) < w.turnsUntil(i) {
			n++
		}
	}
	return n
}

// turnsUntil is how far a call is from having the turn.
func (w *world) turnsUntil(i int) int {
	n := len(w.slots)
	return (w.place(i) - w.place(w.turn) + n) % n
}

// place is a call's position in the order. Background reads come last.
func (w *world) place(i int) int {
	if i >= w.left.envs*w.left.calls {
		return i
	}
	return i%w.left.calls*w.left.envs + i/w.left.calls
}

// due is the slot of the call that comes next without deviation.
func (w *world) due() int {
	due := -1
	for i := range w.slots {
		if w.ready(i) && (due < 0 || w.turnsUntil(i) < w.turnsUntil(due)) {
			due = i
		}
	}
	return due
}

// ready reports whether a call can take a step.
func (w *world) ready(i int) bool {
	switch w.slots[i].phase {
	case unborn:
		return w.mayArrive(i)
	case over:
		return false
	}
	return true
}

// Partial-order reduction. Most moves are an environment's own affair: they
// see and change nothing but its own view and calls, the checks included, and
// so commute with every move of the others, of the store and of an operator
// while the clock stands. Such are most arrivals, ends and replies. A move that
// does see or change more says so in world.shared; which it is depends on its
// environment alone, for an own move has nothing else to go by.
//
// A reduced search lets an environment that has made an own move go on alone,
// until it makes a shared one or its calls are over. This loses nothing. Take
// any schedule, and put off each own move until just before the next shared
// move of the same environment, or to the end if none follows: it passes moves
// of others only, so every move still does what it did, every check sees what
// it saw, and the last state is the same. The outcome is a schedule that the
// search tries. Where equal environments are told apart by who comes first,
// rename them by who comes first in that outcome.
//
// The clock is seen by every move: until it has stopped for the last time,
// every order is tried.

// alone keeps the moves of the environment that goes on alone.
func (w *world) alone(all []move) []move {
	return slices.DeleteFunc(all, func(m move) bool { return w.mover(m) != w.lone })
}

// goOn notes, after a move, who goes on alone.
func (w *world) goOn(m move) {
	w.lone = nobody
	if env := w.mover(m); env != nobody && !w.shared && w.left.ticks == 0 && !w.retired(env) {
		w.lone = env
	}
}

const nobody = -1

// mover is the environment that makes a move.
func (w *world) mover(m move) int {
	switch m.what {
	case dies:
		return m.who
	case strayLands, operates, stepsBack, ticks:
		return nobody
	}
	return w.slots[m.who].env
}
