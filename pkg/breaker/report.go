package breaker

// maxConflicts is how many times a failure is added again after its append or
// its trip was in conflict with another write.
const maxConflicts = 4

// report takes the outcome of an admitted call. A success on a closed circuit
// writes nothing, unless there is a failure rate and a failure in the window.
func (n *node) report(c *call, o Outcome, e event) op {
	c.stage, c.outcome, c.conflicts = reporting, o, 0
	switch {
	case c.local && c.outageSince != n.storeOutage.since:
		return n.done(c) // the local record that admitted it is gone
	case c.probe:
		c.stage = concluding
		return n.issue(c, e, n.write(c, n.conclude(*c.claim, o, e.now, n.nextID())))
	case o.Verdict == Neutral || c.disabled:
		return n.done(c)
	case o.Verdict == Succeeded:
		return n.issue(c, e, n.succeeded(c, e))
	}
	n.serial++
	c.failure, c.weight, c.random = newFailureID(e.now, n.id, n.serial), 1, e.random
	if n.FailureRate > 0 && o.OpenFor == 0 && !n.drawFailure(c, e.now) {
		return n.done(c)
	}
	if !c.local && e.now-n.sent > failingMaxAge {
		return n.issue(c, e, op{kind: opLoad})
	}
	return n.issue(c, e, n.add(c, e.now))
}

// add records a failure unless its epoch has ended. A failure with OpenFor
// opens the circuit by itself, so it is not appended first.
func (n *node) add(c *call, now int64) op {
	r := n.recordFor(c)
	switch {
	case n.prolongs(r, c.outcome, now):
		c.stage = tripping
		return n.write(c, n.prolong(r, c.outcome, now, n.nextID()))
	case !n.accepts(r, c.epoch, now):
		return n.done(c)
	case c.outcome.OpenFor > 0:
		return n.tripNow(c, r, now)
	case n.FailureRate > 0 && !c.local && !c.drawn(n.ledger(r, now)):
		return n.done(c)
	case n.FailureRate > 0 && n.isFull(c, r, now):
		return n.countFailure(c, now)
	}
	c.stage = appending
	f := Failure{ID: c.failure, Epoch: c.epoch, Cap: n.rules(c).failureCapacity(), At: now, New: n.nextID()}
	if c.weight > 1 {
		f.More = n.countsAt(now, c.epoch, c.weight-1, true)
	}
	return op{kind: opAppend, failure: f}
}

// appended opens the circuit if the threshold is reached, makes room for a
// failure that did not fit, or removes what exceeds this node's quota.
func (n *node) appended(c *call, e event) op {
	m := n.rules(c)
	c.recorded = e.held && c.weight > 1
	switch m.judge(e.record, n.reported(c, e.record), e.now) {
	case trips:
		return n.tripNow(c, e.record, e.now)
	case noRoom:
		ids := m.expired(e.record, e.now)
		if len(ids) == 0 && n.FailureRate > 0 {
			return n.countFailure(c, e.now)
		}
		if len(ids) == 0 {
			ids = m.surplus(e.record, n.id, m.failureQuota()-1)
		}
		if len(ids) == 0 || c.exceeds(maxConflicts) {
			return n.done(c)
		}
		return n.prune(c, pruning, ids)
	}
	if ids := m.surplus(e.record, n.id, m.failureQuota()); e.held && len(ids) > 0 {
		return n.prune(c, trimming, ids)
	}
	return n.done(c)
}

func (n *node) prune(c *call, s stage, ids []FailureID) op {
	c.stage = s
	return op{kind: opPrune, epoch: c.epoch, ids: ids}
}

func (n *node) tripNow(c *call, r Record, now int64) op {
	c.stage = tripping
	return n.write(c, n.trip(r, c.failure, c.outcome, now, n.nextID()))
}

// tripped adds the failure again if the trip met a record that is closed in
// the same epoch: that record may lack the failure.
func (n *node) tripped(c *call, e event) op {
	if e.held || c.exceeds(maxConflicts) {
		return n.done(c)
	}
	if c.recorded {
		return n.counted(c, e)
	}
	return n.add(c, e.now)
}

// rules returns the machine for a call. Without the store the failures of one
// environment are enough to open the circuit.
func (n *node) rules(c *call) machine {
	m := n.machine
	if c.local {
		m.MinEnvironments = 1
	}
	return m
}
