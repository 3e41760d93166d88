package breaker

import (
	"errors"
	"slices"
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
	operates  // how 0: the item is deleted; else an override of that number is set
	stepsBack // a clock, by 10 ms; how 1: forward to where it was
	ticks     // how 0: to the next instant of any kind; 1: of the protocol, leaving caches' ages out
)

var moveNames = [...]string{"arrive", "perform", "stale", "twice", "reply", "lose", "stray", "end", "freeze", "die", "operator", "back", "tick"}

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
		case over:
			if w.left.endless && i < w.background(0) {
				add(arrives, i, 0)
				add(arrives, i, hurried)
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
			if w.left.endless {
				add(ends, i, endsForAWhile)
			}
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
	if w.may(w.left.operatorActions) {
		for how := range w.operatorMoves() {
			add(operates, 0, how)
		}
	}
	if w.left.endless && !w.beyond && w.skew == [mostEnvs]int64{} {
		for env := range w.left.envs {
			if w.setBack[env] < ms(w.settings.MaxClockSkew)/2 {
				add(stepsBack, env, 0)
			}
			if w.setBack[env] > 0 {
				add(stepsBack, env, 1)
			}
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

// background is the slot of the read in the background of an environment's calls.
// The calls' own slots come first, by environment.
func (w *world) background(env int) int { return w.left.envs*w.left.calls + env }

// operatorMoves is the number of things that an operator may do now.
func (w *world) operatorMoves() int {
	switch {
	case !w.left.endless:
		return len(overrides) + 1
	case w.older.State == "":
		return clears + 1
	default:
		return operatings
	}
}

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
		if s.phase == over {
			*s = slot{env: s.env, ids: s.ids}
		}
		s.hurried = m.how == hurried
		w.step(m.who, w.envs[s.env].arrive, w.event(s))
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
		w.end(m.who, m.how)
	case freezes:
		w.spend(&w.left.freezes)
		s.frozen = true
	case dies:
		w.die(m.who)
	case operates:
		w.operate(m.how)
	case stepsBack:
		if w.setBack[m.who] += 10; m.how == 1 {
			w.setBack[m.who] = 0
		}
		w.touchEnv(m.who)
		return
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

// deliver passes the reply to a call's operation to the call, or err in its place.
func (w *world) deliver(i int, err error) {
	s := &w.slots[i]
	e := w.event(s)
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

// How a call arrives or ends, besides a Verdict.
const (
	hurried       = 1 // without time for a probe
	endsForAWhile = 3 // Failed, with Outcome.OpenFor
)

func (w *world) end(i, how int) {
	s := &w.slots[i]
	w.shared = w.shared || s.call.probe && !s.call.local // no longer at the dependency
	o := Outcome{Verdict: Verdict(how)}
	if how == endsForAWhile {
		o = Outcome{Verdict: Failed, OpenFor: w.settings.RecoveryTimeout * 3 / 2}
	}
	if o.Verdict == Failed {
		o.Reason = "error"
	}
	s.phase, s.verdict, s.openFor, s.reported = sent, o.Verdict, o.OpenFor > 0, w.clock(s.env)
	w.step(i, func(c *call, e event) op { return w.envs[s.env].report(c, o, e) }, w.event(s))
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

// instants returns the next instant, by true time, at which some comparison of
// the protocol changes, and the next that is not one of a cache's age; 0 if there
// is no such instant. Time does not pass a probe's own timeout while it is at the
// dependency, unless its environment is frozen.
func (w *world) instants() (next, protocol int64) {
	latest := int64(1) << 62
	earliest := func(at *int64, t int64) {
		if t > w.now && (*at == 0 || t < *at) {
			*at = t
		}
	}
	for i := range w.slots {
		s := &w.slots[i]
		if s.phase == calling && s.call.probe && !s.call.local && !s.frozen {
			latest = min(latest, s.until)
			earliest(&protocol, s.until)
		}
		if s.call.stage == claiming && s.phase != over && s.phase != calling {
			slow := w.envs[s.env].probeDeadline(s.op.change.To) - w.envs[s.env].limitOf(s.op.change.To) + 1
			earliest(&protocol, slow-w.skew[s.env]+w.setBack[s.env])
		}
	}
	for env := range w.left.envs {
		if w.retired(env) {
			continue
		}
		for _, t := range w.turns(w.record) {
			earliest(&protocol, t-w.skew[env]+w.setBack[env])
		}
		n := &w.envs[env]
		if n.storeOutage.since != 0 {
			earliest(&protocol, n.storeOutage.retryAt-w.skew[env]+w.setBack[env])
		}
		if n.known {
			earliest(&next, n.sent+w.trusted(n)+1-w.skew[env]+w.setBack[env])
		}
	}
	if next == 0 || protocol != 0 && protocol < next {
		next = protocol
	}
	if next > latest {
		next = 0
	}
	if protocol > latest {
		protocol = 0
	}
	return next, protocol
}

// turns are the times at which a record says something else.
func (w *world) turns(r Record) []int64 {
	switch {
	case r.OverrideMode != "" && w.now < r.OverrideUntil:
		return []int64{r.OverrideUntil}
	case r.State == Open:
		return []int64{r.RetryAt}
	case r.State == HalfOpen && r.ProbeOwner != "":
		return []int64{r.ProbeUntil + 1}
	case len(r.Failures) > 0:
		oldest := slices.MinFunc(r.Failures, func(a, b FailureID) int { return int(a.At() - b.At()) })
		return []int64{oldest.At() + ms(w.settings.FailureWindow) + 1}
	}
	return nil
}

// trusted is how long an environment trusts its record.
func (w *world) trusted(n *node) int64 {
	switch {
	case n.record.State == Open:
		return openMaxAge
	case n.record.State == HalfOpen:
		return n.halfOpenAge(n.sent)
	case n.suspicious(n.sent):
		return failingMaxAge
	default:
		return ms(w.settings.RefreshAfter)
	}
}

// closesAgain follows a world without further faults, with a dependency that
// answers: calls keep coming, time goes on, and within a bounded time the
// circuit must be closed and admit the calls of every environment.
func (w *world) closesAgain() string {
	var f world
	w.copyTo(&f)
	f.left = bounds{envs: w.left.envs, calls: w.left.calls, faults: 1, endless: w.left.endless}
	f.stray, f.decided = nil, nil
	begin := f.now
	limit := int64(longestRecovery)
	if w.left.endless {
		limit += 2*longestBackOff + ms(w.settings.MaxOpen) // what many losses and openings add up to
	}
	for f.now-begin <= limit {
		all := true
		for env := range f.left.envs {
			all = f.callPasses(env) && all
		}
		if f.breach != "" {
			return f.breach
		}
		if all && f.record.State == Closed {
			return ""
		}
		f.now += 50
	}
	return mustCloseAgain + ": still " + string(f.record.State) + " long after all is well"
}

// longestRecovery in ms: an opening or a lease, the back-off after losses, and
// a probe for each success that is wanting, with room.
const longestRecovery = 15_000

// callPasses ends what an environment's calls are at, then makes one call, and
// reports whether the fleet's closed record admitted it.
func (w *world) callPasses(env int) bool {
	for i := range w.slots {
		if w.slots[i].env == env {
			w.runOut(i)
		}
	}
	i := env * w.left.calls
	w.slots[i] = slot{env: env, ids: w.slots[i].ids}
	w.make(move{arrives, i, 0})
	for w.breach == "" && (w.slots[i].phase == sent || w.slots[i].phase == performed) {
		w.advance(i)
	}
	s := &w.slots[i]
	passes := s.phase == calling && !s.call.probe && !s.call.local
	w.runOut(i)
	w.runOut(w.background(env))
	return passes
}

func (w *world) runOut(i int) {
	for w.breach == "" && w.slots[i].phase != unborn && w.slots[i].phase != over {
		w.advance(i)
	}
}

func (w *world) advance(i int) {
	switch w.slots[i].phase {
	case sent:
		w.make(move{performs, i, 0})
	case performed:
		w.make(move{replies, i, 0})
	case calling:
		w.make(move{ends, i, int(Succeeded)})
	}
}
