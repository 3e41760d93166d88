package breaker

import (
	"cmp"
	"errors"
)

// Back-off from a store that cannot be reached, in ms.
const (
	firstBackOff   = 500 // doubled after each failure
	longestBackOff = 30_000
)

// storeOutage is the time in which a node cannot reach the store. Calls are
// then decided locally: by the same rules on the node's own record, which
// starts as the last known one. So the dependency stays protected and no call
// is rejected because the store is down. One call at a time tries the store
// again, and its answer ends the outage and discards the local record.
type storeOutage struct {
	since       int64   // 0: no outage
	retryAt     int64   // the store is not tried before
	record      *Record // nil: no outage
	failures    int32   // since the last success of the same kind
	retrying    bool    // a call tries the store
	writeFailed bool    // the last failure was a write's
}

// errStoreOutage ends an operation that needs the store while that is not tried.
var errStoreOutage = errors.New("the store could not be reached before, and is not tried again yet")

// retriesStore reports whether this call is to try the store again. It chooses
// one call at a time.
func (n *node) retriesStore(c *call, now int64) bool {
	if n.storeOutage.since == 0 || n.storeOutage.retrying {
		return false
	}
	// A clock that was set back must not keep the store untried for long.
	if now < n.storeOutage.retryAt && n.storeOutage.retryAt-now <= 2*longestBackOff {
		return false
	}
	n.storeOutage.retrying, c.retriesStore = true, true
	return true
}

// unanswered goes on with a call whose operation failed.
func (n *node) unanswered(c *call, e event) op {
	if c.stage.byOperator() {
		return n.failed(c, e.err)
	}
	n.storeFailed(c, e)
	return n.decideLocally(c, e)
}

// storeFailed begins or extends the outage. Only the first failure and that of
// the call that tries again set the back-off: other operations that were under
// way add no knowledge.
func (n *node) storeFailed(c *call, e event) {
	out := &n.storeOutage
	if out.since != 0 && !c.retriesStore {
		return
	}
	if out.since == 0 {
		out.since, out.record = e.now, &withoutItem
		if n.known {
			out.record = n.record
		}
		c.notices = append(c.notices, notice{storeLost: e.err})
	}
	backOff := min(int64(firstBackOff)<<min(out.failures, 10), longestBackOff)
	jitter := int64(e.random % uint64(backOff/2+1))
	out.retryAt = e.now + backOff*3/4 + jitter
	out.failures++
	out.writeFailed = c.stage.writes()
	out.retrying, c.retriesStore = false, false
}

// storeRecovered takes note of an answer, which ends the outage if it is that
// of the call that tries again, or of an operator's write: that is in force for
// this environment too. While writes fail and reads succeed, the
// back-off keeps growing, because each end discards the local failures.
func (n *node) storeRecovered(c *call, e event) {
	if c.stage.writes() || !n.storeOutage.writeFailed {
		n.storeOutage.failures = 0
	}
	if !c.retriesStore && !(c.stage == overriding && e.held && n.storeOutage.since != 0) {
		return
	}
	if c.retriesStore = false; n.storeOutage.since == 0 {
		return // an operator's write has ended it
	}
	lasted := msDuration(e.now - n.storeOutage.since)
	c.notices = append(c.notices, notice{storeReturned: &lasted})
	n.storeOutage = storeOutage{failures: n.storeOutage.failures, writeFailed: n.storeOutage.writeFailed}
}

// decideLocally goes on with a call on the local record. The result of a
// probe of the fleet cannot be written: its lease runs out.
func (n *node) decideLocally(c *call, e event) op {
	c.local, c.outageSince = true, n.storeOutage.since
	switch c.stage {
	case admitting, waiting, rechecking, claiming, releasing:
		c.stage = admitting
		return n.decide(c, e)
	case checking:
		return n.checked(c, e)
	case counting:
		if c.outcome.Verdict != Failed {
			return n.done(c)
		}
		return n.add(c, e.now)
	case reporting, appending, pruning, tripping:
		return n.add(c, e.now)
	default:
		return n.failed(c, cmp.Or(e.err, errStoreOutage))
	}
}

// performLocally performs an operation on the local record.
func (n *node) performLocally(o op, e event) event {
	e.err, e.held, e.authoritative = nil, true, true
	r := *n.storeOutage.record
	switch o.kind {
	case opAppend:
		r, e.held = r.Append(o.failure)
	case opPrune:
		r, e.held = r.Prune(o.epoch, o.ids)
	case opCount:
		r, e.held = r.Count(o.tally)
	case opChange:
		r, e.held = r.Apply(*o.change)
	}
	if e.held && o.kind != opLoad {
		n.storeOutage.record = kept(r)
	}
	e.record = r
	return e
}
