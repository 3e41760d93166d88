package breaker

import (
	"errors"
	"strconv"
)

// move is one step of a world. Its text, "reply:2", is what a trace is made of.
type move struct {
	what moveKind
	who  int // slot, or environment
	how  int
}

type moveKind uint8

const (
	arrives moveKind = iota
	performs
	performsStale // with the version before
	performsTwice // and the SDK sends it again
	replies
	loses      // the reply; how 1: the operation is performed first, without reply
	strayLands // an operation that its sender has given up arrives after all
	ends       // the dependency answers: how is the Verdict
	freezes
	dies
	byHand // how 0: the item is deleted; else an override of that number is set
	ticks  // how 0: to the next instant of any kind; 1: of the protocol, leaving caches' ages out
)

var moveNames = [...]string{"arrive", "perform", "stale", "twice", "reply", "lose", "stray", "end", "freeze", "die", "hand", "tick"}

func (m move) String() string {
	return moveNames[m.what] + ":" + strconv.Itoa(m.who) + ":" + strconv.Itoa(m.how)
}

// moves lists what can happen next.
func (w *world) moves(to []move) []move {
	add := func(what moveKind, who, how int) { to = append(to, move{what, who, how}) }
	for i := range w.slots {
		s := &w.slots[i]
		switch s.phase {
		case unborn:
			if w.mayArrive(i) {
				add(arrives, i, 0)
			}
		case sent:
			add(performs, i, 0)
			eventual := s.op.kind == opLoad && !s.op.consistent
			if eventual && w.may(w.left.stale) && w.older.State != "" {
				add(performsStale, i, 0)
			}
			if w.may(w.left.losses) {
				add(loses, i, 0)
				if s.op.kind != opLoad {
					add(performsTwice, i, 0)
					if w.left.together {
						add(loses, i, 1)
					}
				}
			}
		case performed:
			add(replies, i, 0)
			if s.op.kind.onStore() && w.may(w.left.losses) {
				add(loses, i, 0)
			}
		case calling:
			add(ends, i, int(Succeeded))
			add(ends, i, int(Failed))
			if s.call.probe {
				add(ends, i, int(Neutral))
				if !s.frozen && w.may(w.left.freezes) {
					add(freezes, i, 0)
				}
			}
		}
	}
	if w.stray != nil {
		add(strayLands, 0, 0)
	}
	if w.may(w.left.crashes) {
		for env := range w.left.envs {
			if w.busy(env) {
				add(dies, env, 0)
			}
		}
	}
	if w.may(w.left.hands) {
		for how := range len(overrides) + 1 {
			add(byHand, 0, how)
		}
	}
	if w.left.ticks > 0 {
		next, protocol := w.instants()
		if next > 0 && w.left.ages {
			add(ticks, 0, 0)
		}
		if protocol > next || protocol > 0 && !w.left.ages {
			add(ticks, 0, 1)
		}
	}
	if w.left.ordered {
		to = w.ordered(to)
	}
	if w.lone != nobody {
		to = w.alone(to)
	}
	return to
}

// beside is the slot of the read beside an environment's calls. The calls' own
// come first, by environment.
func (w *world) beside(env int) int { return w.left.envs*w.left.calls + env }

// mayArrive keeps one of each set of worlds that differ only in which of equal
// calls, or of equal environments, comes first.
func (w *world) mayArrive(i int) bool {
	if i >= w.left.envs*w.left.calls {
		return false
	}
	if i%w.left.calls > 0 {
		return w.slots[i-1].phase != unborn
	}
	return !w.alike || i == 0 || w.slots[i-w.left.calls].phase != unborn
}

func (w *world) busy(env int) bool {
	for i := range w.slots {
		if s := &w.slots[i]; s.env == env && s.phase != unborn && s.phase != over {
			return true
		}
	}
	return false
}

// make lets m happen, and checks what it did.
func (w *world) make(m move) {
	w.shared = false
	if w.left.ordered && m.takesTurn() {
		w.takeTurn(m.who)
	}
	s := &w.slots[m.who]
	switch m.what {
	case arrives:
		w.step(m.who, w.envs[s.env].arrive, w.event(s.env))
	case performs:
		w.perform(m.who)
		if w.left.together {
			w.deliver(m.who, nil)
		}
	case performsStale:
		w.spend(&w.left.stale)
		s.reply, s.held, s.eventual, s.phase = w.older, true, true, performed
		if w.left.together {
			w.deliver(m.who, nil)
		}
	case performsTwice:
		w.spend(&w.left.losses)
		w.commit(s)
	case replies:
		w.deliver(m.who, nil)
	case loses:
		w.lose(m)
	case strayLands:
		w.commit(w.stray)
		w.stray = nil
	case ends:
		w.end(m.who, Verdict(m.how))
	case freezes:
		w.spend(&w.left.freezes)
		s.frozen = true
	case dies:
		w.die(m.who)
	case byHand:
		w.interfere(m.how)
	case ticks:
		w.left.ticks--
		next, protocol := w.instants()
		if w.now = next; m.how == 1 {
			w.now = protocol
		}
	}
	w.touchSlot(m.who)
	if w.left.reduced {
		w.goOn(m)
	}
}

func (w *world) perform(i int) {
	s := &w.slots[i]
	s.eventual = s.op.kind == opLoad && !s.op.consistent
	s.reply, s.held = w.commit(s)
	s.phase = performed
}

// deliver returns a call the reply to its operation, or an error in its place.
func (w *world) deliver(i int, err error) {
	s := &w.slots[i]
	e := w.event(s.env)
	if s.op.kind != opWait {
		e.sent, e.authoritative, e.record, e.held, e.err = s.sentAt, !s.eventual, s.reply, s.held, err
	}
	s.lost = s.lost || err != nil
	w.step(i, w.envs[s.env].replied, e)
}

var errLost = errors.New("lost")

func (w *world) lose(m move) {
	s := &w.slots[m.who]
	w.spend(&w.left.losses)
	switch {
	case m.how == 1:
		w.commit(s)
	case s.phase == sent && s.op.kind != opLoad:
		given := *s
		w.stray = &given
	}
	w.deliver(m.who, errLost)
}

func (w *world) end(i int, v Verdict) {
	s := &w.slots[i]
	w.shared = w.shared || s.call.probe && !s.call.local // no longer at the dependency
	o := Outcome{Verdict: v}
	if v == Failed {
		o.Reason = "error"
	}
	s.phase, s.verdict, s.reported = sent, v, w.clock(s.env)
	w.step(i, func(c *call, e event) op { return w.envs[s.env].report(c, o, e) }, w.event(s.env))
}

func (w *world) die(env int) {
	w.spend(&w.left.crashes)
	for i := range w.slots {
		if s := &w.slots[i]; s.env == env && s.phase != unborn {
			w.finish(i)
		}
	}
	w.birth(env)
}

func (w *world) finish(i int) {
	s := &w.slots[i]
	*s = slot{env: s.env, phase: over, ids: s.ids}
	w.touchSlot(i)
}
