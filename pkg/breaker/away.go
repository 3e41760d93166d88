package breaker

import "time"

// Back-off from a store that cannot be reached, in milliseconds.
const (
	firstBackOff   = 500 // doubling
	longestBackOff = 30_000
)

// storeOutage is the time without the store. Calls are then decided by the same
// machine on a record of this environment's own, seeded from the last that was
// known: the dependency stays protected, and no call is refused because the
// store is down. One call at a time tries the store again, and its answer ends
// the local record.
type storeOutage struct {
	since       int64 // 0: the store is there
	retryAt     int64 // it is left alone until then
	retrying    bool
	record      Record
	failures    int  // without a success of the same kind in between
	writeFailed bool // what was lost last
}

// retriesStore gives one call at a time the task of trying a lost store.
func (n *node) retriesStore(c *call, now int64) bool {
	if n.storeOutage.since == 0 || n.storeOutage.retrying {
		return false
	}
	// A clock set back must not leave the store alone for long.
	if now < n.storeOutage.retryAt && n.storeOutage.retryAt-now <= 2*longestBackOff {
		return false
	}
	n.storeOutage.retrying, c.retriesStore = true, true
	return true
}

// storeFailed notes that the store did not answer. Only the first loss, and that of
// the call that tries again, set the back-off: others under way say nothing new.
func (n *node) storeFailed(c *call, e event) {
	if n.storeOutage.since != 0 && !c.retriesStore {
		return
	}
	if n.storeOutage.since == 0 {
		n.storeOutage.since, n.storeOutage.record = e.now, missing()
		if n.known {
			n.storeOutage.record = n.record
		}
		n.notices = append(n.notices, notice{storeLost: e.err})
	}
	backOff := min(int64(firstBackOff)<<min(n.storeOutage.failures, 10), longestBackOff)
	jitter := int64(e.random % uint64(backOff/2+1))
	n.storeOutage.retryAt = e.now + backOff*3/4 + jitter
	n.storeOutage.failures++
	n.storeOutage.writeFailed = c.stage.writes()
	n.storeOutage.retrying, c.retriesStore = false, false
}

// storeRecovered notes an answer. A store that reads but does not write keeps the
// back-off growing, lest each read throw the local record's failures away.
func (n *node) storeRecovered(c *call, e event) {
	if c.stage.writes() || !n.storeOutage.writeFailed {
		n.storeOutage.failures = 0
	}
	if !c.retriesStore {
		return
	}
	c.retriesStore = false
	gone := msDuration(e.now - n.storeOutage.since)
	n.notices = append(n.notices, notice{storeReturned: &gone})
	n.storeOutage = storeOutage{failures: n.storeOutage.failures, writeFailed: n.storeOutage.writeFailed}
}

// decideLocally goes on with a call whose store is away.
func (n *node) decideLocally(c *call, e event) op {
	c.local, c.outageSince = true, n.storeOutage.since
	switch c.stage {
	case admitting, waiting, rechecking, claiming, releasing:
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
func (n *node) performLocally(o op, e event) event {
	e.err, e.held, e.authoritative = nil, true, true
	switch o.kind {
	case opAppend:
		n.storeOutage.record, e.held = n.storeOutage.record.Append(o.failure)
	case opPrune:
		n.storeOutage.record, e.held = n.storeOutage.record.Prune(o.epoch, o.ids)
	case opChange:
		n.storeOutage.record, e.held = n.storeOutage.record.Apply(o.change)
	}
	e.record = n.storeOutage.record
	return e
}

// notice is something for observers: one of its fields is set, besides
// recorded.
type notice struct {
	transition    *Transition
	inHistory     bool // transition: belongs into the history
	rejection     *OpenError
	storeLost     error
	storeReturned *time.Duration
	historyFailed error // the history does not have a transition
}

// announce tells of a transition that this environment's own write made.
func (n *node) announce(c *call, now int64) {
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
	n.notices = append(n.notices, notice{transition: &t, inHistory: !c.local && belongsInHistory(from, to)})
}

func msDuration(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
