package breaker

// succeeded counts a success while the known record shows a failure: one in so
// many, without a read. A call that is not drawn has waited for nothing.
func (n *node) succeeded(c *call, e event) op {
	r := n.recordFor(c)
	if n.FailureRate == 0 || !n.accepts(r, c.epoch, e.now) {
		return n.done(c)
	}
	if n.own != nil {
		n.own.succeed(n.FailureRate)
	}
	l := n.ledger(r, e.now)
	if c.local || !l.on {
		return n.done(c)
	}
	if c.weight = l.successWeight(); !drawn(e.random, c.weight) {
		return n.done(c)
	}
	return n.count(c, Tally{
		Epoch: c.epoch, Add: n.countsAt(e.now, c.epoch, c.weight, false),
		Traffic: l.perMinute(), Gone: n.gone(r, e.now),
	})
}

// drawFailure takes a token from the environment's own bucket and reports whether
// the failure is drawn to be recorded. During a store outage all are. The bucket of
// another epoch, or of a time whose failures have all left the window, was full.
func (n *node) drawFailure(c *call, now int64) bool {
	r := n.recordFor(c)
	l := n.ledger(r, now)
	if n.own == nil || n.own.epoch != c.epoch || !l.on {
		n.own = &ownBucket{epoch: c.epoch}
	}
	n.own.taken++
	return c.local || c.drawn(l)
}

// drawn reports whether the call's failure is drawn to be recorded, always by the
// same random number. Drawn again by a newer record, it stands for the higher
// weight.
func (c *call) drawn(l ledger) bool {
	c.weight = max(c.weight, l.failureWeight())
	return drawn(c.random, c.weight)
}

// isFull reports whether a record has no room for a failure as an element: the
// set is full of live ones, or has this environment's quota.
func (n *node) isFull(c *call, r Record, now int64) bool {
	m := n.rules(c)
	live, own := 0, 0
	for _, id := range r.Failures {
		if m.inWindow(id, now) {
			live++
			if id.environment() == n.id {
				own++
			}
		}
	}
	return !r.holds(c.failure) && (live >= m.failureCapacity() || own >= m.failureQuota())
}

// countFailure adds a failure to the counts.
func (n *node) countFailure(c *call, now int64) op {
	r := n.recordFor(c)
	return n.count(c, Tally{Epoch: c.epoch, Add: n.countsAt(now, c.epoch, c.weight, true), Gone: n.gone(r, now)})
}

func (n *node) count(c *call, t Tally) op {
	c.stage = counting
	return op{kind: opCount, tally: t}
}

// counted opens the circuit if a counted failure exceeds the rate.
func (n *node) counted(c *call, e event) op {
	c.recorded = c.recorded || e.held
	if c.outcome.Verdict != Failed || !c.recorded {
		return n.done(c)
	}
	own := n.reported(c, e.record)
	if n.rules(c).judge(e.record, own, e.now) == trips {
		return n.tripNow(c, e.record, e.now)
	}
	return n.done(c)
}

// reported returns a call's failure, as the rules judge it by a record.
func (n *node) reported(c *call, r Record) reported {
	return reported{
		id: c.failure, epoch: c.epoch, weight: c.weight, counted: c.recorded, local: c.local,
		emptied: n.own != nil && n.own.epoch == c.epoch && (n.own.taken >= float64(n.FailureThreshold)-rounding || !c.local && n.failsInARow(r)),
	}
}

// failsInARow reports whether few environments have all of the record's failures:
// each at least two, and this one's are not made up for by its successes. A caller
// whose calls go to two environments in turn would else need twice as many failures
// in a row. Errors of a busy fleet come from many environments.
func (n *node) failsInARow(r Record) bool {
	of := make(map[string]int)
	for _, id := range r.Failures {
		of[id.environment()]++
	}
	for _, failures := range of {
		if failures < 2 {
			return false
		}
	}
	own := of[n.id]
	return own >= 2 && n.own.taken >= float64(own)-rounding
}
