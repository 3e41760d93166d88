package breaker

import "time"

// Back-off from a store that cannot be reached, in milliseconds.
const (
	firstBackOff   = 500 // doubling
	longestBackOff = 30_000
)

// away is the time without the store. Calls are then decided by the same
// machine on a record of this environment's own, seeded from the last that was
// known: the dependency stays protected, and no call is refused because the
// store is down. One call at a time tries the store again, and its answer ends
// the local record.
type away struct {
	since  int64 // 0: the store is there
	until  int64 // it is left alone until then
	trying bool
	record Record
	losses int  // without a success of the same kind in between
	write  bool // what was lost last
}

// triesAgain gives one call at a time the task of trying a lost store.
func (n *environment) triesAgain(c *call, now int64) bool {
	if n.away.since == 0 || n.away.trying {
		return false
	}
	// A clock set back must not leave the store alone for long.
	if now < n.away.until && n.away.until-now <= 2*longestBackOff {
		return false
	}
	n.away.trying, c.tries = true, true
	return true
}

// lose notes that the store did not answer. Only the first loss, and that of
// the call that tries again, set the back-off: others under way say nothing new.
func (n *environment) lose(c *call, e event) {
	if n.away.since != 0 && !c.tries {
		return
	}
	if n.away.since == 0 {
		n.away.since, n.away.record = e.now, missing()
		if n.known {
			n.away.record = n.record
		}
		n.notices = append(n.notices, notice{lost: e.err})
	}
	backOff := min(int64(firstBackOff)<<min(n.away.losses, 10), longestBackOff)
	jitter := int64(e.random % uint64(backOff/2+1))
	n.away.until = e.now + backOff*3/4 + jitter
	n.away.losses++
	n.away.write = c.stage.writes()
	n.away.trying, c.tries = false, false
}

// regain notes an answer. A store that reads but does not write keeps the
// back-off growing, lest each read throw the local record's failures away.
func (n *environment) regain(c *call, e event) {
	if c.stage.writes() || !n.away.write {
		n.away.losses = 0
	}
	if !c.tries {
		return
	}
	c.tries = false
	gone := msDuration(e.now - n.away.since)
	n.notices = append(n.notices, notice{returned: &gone})
	n.away = away{losses: n.away.losses, write: n.away.write}
}

// withoutStore goes on with a call whose store is away.
func (n *environment) withoutStore(c *call, e event) op {
	c.local, c.period = true, n.away.since
	switch c.stage {
	case admitting, waiting, lookingLast, claiming, releasing:
		c.stage = admitting
		return n.decide(c, e)
	case checking:
		return n.checked(c, e)
	case reporting, appending, pruning, tripping:
		return n.add(c, e.now)
	default:
		return n.done(c) // a probe whose result cannot be written is left to its lease
	}
}

// performLocally is the store of a local call.
func (n *environment) performLocally(o op, e event) event {
	e.err, e.held, e.authoritative = nil, true, true
	switch o.kind {
	case opAppend:
		n.away.record, e.held = n.away.record.Append(o.failure)
	case opPrune:
		n.away.record, e.held = n.away.record.Prune(o.epoch, o.ids)
	case opChange:
		n.away.record, e.held = n.away.record.Apply(o.change)
	}
	e.record = n.away.record
	return e
}

// notice is something for observers: one of its fields is set, besides
// recorded.
type notice struct {
	transition *Transition
	recorded   bool // transition: belongs into the history
	rejection  *OpenError
	lost       error
	returned   *time.Duration
	unrecorded error // the history does not have a transition
}

// announce tells of a transition that this environment's own write made.
func (n *environment) announce(c *call, now int64) {
	from, to := c.change.From, c.change.To
	if c.stage == appending || c.stage == pruning || c.stage == trimming || from.State == to.State {
		return
	}
	t := Transition{
		Circuit: n.Name, From: from.State, To: to.State, Generation: to.Generation,
		Reason: to.Reason, At: time.UnixMilli(now).UTC(), Opens: max(from.ConsecutiveOpens, to.ConsecutiveOpens), Local: c.local,
	}
	if to.State == Open {
		t.RetryAt = time.UnixMilli(to.RetryAt).UTC()
	}
	n.notices = append(n.notices, notice{transition: &t, recorded: !c.local && recorded(from, to)})
}

func msDuration(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
