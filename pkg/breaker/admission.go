package breaker

const (
	// maxClaimWait spreads the claims of many nodes, in ms, so that they do not
	// write at the same instant.
	maxClaimWait = 250

	// halfOpenRetryAfter is the retry-after, in ms, while another call probes.
	halfOpenRetryAfter = 1_000
)

// arrive begins a call's admission.
func (n *node) arrive(c *call, e event) op {
	c.stage = admitting
	n.checkClock(e.now)
	switch {
	case n.retriesStore(c, e.now):
		return n.issue(c, e, op{kind: opLoad, consistent: true})
	case n.storeOutage.since != 0:
		return n.issue(c, e, n.decideLocally(c, e))
	case !n.known:
		return n.issue(c, e, op{kind: opLoad, consistent: true, cold: true})
	case n.stale(e.now):
		return n.issue(c, e, op{kind: opLoad})
	default:
		return n.issue(c, e, n.decide(c, e))
	}
}

// check decides, between two tries of an admitted call, whether the circuit
// has opened since. c is a call of its own.
func (n *node) check(c *call, e event) op {
	c.stage = checking
	n.checkClock(e.now)
	switch {
	case n.storeOutage.since != 0:
		return n.issue(c, e, n.decideLocally(c, e))
	case n.stale(e.now):
		return n.issue(c, e, op{kind: opLoad})
	default:
		return n.issue(c, e, n.checked(c, e))
	}
}

func (n *node) checked(c *call, e event) op {
	if r := n.recordFor(c); n.admission(r, e.now) != passes {
		return n.reject(c, r, e.now)
	}
	return n.admit(c)
}

// decide admits a call, rejects it, or goes for the probe.
func (n *node) decide(c *call, e event) op {
	r := n.recordFor(c)
	switch n.admission(r, e.now) {
	case passes:
		return n.passOrRamp(c, r, e)
	case rejects:
		return n.reject(c, r, e.now)
	default:
		return n.goForProbe(c, r, e)
	}
}

// passOrRamp admits a call of a closed circuit, or while it recovers one that is
// drawn.
func (n *node) passOrRamp(c *call, r Record, e event) op {
	share := n.ramp(r, e.now)
	if share < 1 && float64(e.random>>11)/(1<<53) >= share {
		o := n.reject(c, r, e.now)
		o.rejection.State, o.rejection.Reason = HalfOpen, ReasonRecovering
		return o
	}
	return n.pass(c, r, e.now)
}

// goForProbe takes the claiming slot. The claim comes after a read of the
// record and a random wait; a local call claims at once.
func (n *node) goForProbe(c *call, r Record, e event) op {
	wait := int64(maxClaimWait)
	if c.local {
		wait = 0
	}
	if n.claiming && !c.claimSlot || !n.hasTime(r, e, wait) {
		return n.reject(c, r, e.now)
	}
	n.claiming, c.claimSlot = true, true
	switch {
	case c.local:
		return n.claimNow(c, e)
	case !c.loaded:
		return op{kind: opLoad}
	default:
		c.stage = waiting
		return op{kind: opWait, wait: int64(e.random % (maxClaimWait + 1))}
	}
}

// hasTime reports whether the caller can stay for a whole probe after a wait.
// One that leaves earlier would let the lease run out, or its lack of time
// would count as the dependency's failure. If a probe is overdue, any caller
// may make it: callers that are all short of time must not keep a circuit open.
func (n *node) hasTime(r Record, e event, wait int64) bool {
	left := e.left - wait
	return left > ms(n.ProbeTimeout) || left > 0 && n.probeOverdue(r, e.now)
}

func (n *node) waited(c *call, e event) op {
	if n.admission(*n.record, e.now) == claimable && !n.hasTime(*n.record, e, 0) {
		return n.reject(c, *n.record, e.now)
	}
	c.stage = rechecking
	return op{kind: opLoad, consistent: true}
}

// rechecked decides again, because others may have acted during the wait.
func (n *node) rechecked(c *call, e event) op {
	switch n.admission(*n.record, e.now) {
	case passes:
		return n.passOrRamp(c, *n.record, e)
	case rejects:
		return n.reject(c, *n.record, e.now)
	default:
		return n.claimNow(c, e)
	}
}

func (n *node) claimNow(c *call, e event) op {
	c.stage = claiming
	return n.write(c, n.claim(n.recordFor(c), n.id, e.now, e.left, n.nextID()))
}

// claimed makes the call the probe if its own claim took the lease. A lease
// found in the node's name does not count: it may stem from before a crash or
// a lost reply.
func (n *node) claimed(c *call, e event) op {
	if !e.held {
		return n.unclaimed(c, e)
	}
	claim := e.record
	c.claim = &claim
	if e.now+n.limitOf(claim) > n.probeDeadline(claim) {
		// Frozen or slow since the claim: the probe could outlive the lease.
		c.stage = releasing
		return n.write(c, n.release(claim, n.nextID()))
	}
	c.probe = true
	return n.admit(c)
}

// unclaimed decides for a call that does not have the lease.
func (n *node) unclaimed(c *call, e event) op {
	if n.admission(e.record, e.now) == passes {
		return n.passOrRamp(c, e.record, e)
	}
	return n.reject(c, e.record, e.now)
}

func (n *node) pass(c *call, r Record, now int64) op {
	c.epoch, c.disabled = r.Epoch, n.disabled(r, now)
	o := n.admit(c)
	o.backgroundRead = !c.local && !c.loaded && !n.refreshing && n.refreshDue(now)
	n.refreshing = n.refreshing || o.backgroundRead
	return o
}

func (n *node) admit(c *call) op {
	n.finish(c)
	return op{kind: opAdmit}
}

func (n *node) reject(c *call, r Record, now int64) op {
	n.finish(c)
	return op{kind: opReject, rejection: n.rejection(c, r, now)}
}

func (n *node) rejection(c *call, r Record, now int64) *OpenError {
	wait, reason := int64(halfOpenRetryAfter), r.Reason
	if _, mode := n.effectiveState(r, now); mode == OverrideOpen {
		// It may be cleared long before its end.
		wait, reason = min(r.OverrideUntil-now, ms(n.RecoveryTimeout)), ReasonOverride
	} else if n.stillOpen(r, now) {
		wait = n.openUntil(r) - now
	}
	return &OpenError{
		Circuit: n.Name, State: n.displayState(r, now), Reason: reason,
		RetryAfter: msDuration(wait), Local: c.local,
	}
}
