package breaker

import "strconv"

// node is one execution environment's side of one circuit, as pure as
// the machine it runs on: what it knows (view), how far one of its calls has
// come (call) and an event give the next operation. breaker.go performs what
// it says and nothing else, so the whole protocol can be explored from here.
// Its methods are deterministic; the caller serialises them.
type node struct {
	machine
	id string
	view
	notices []notice
}

// Ages and waits in milliseconds.
const (
	// A closed record that holds a failure younger than freshFailure is read
	// again before it is trusted once it is older than failingMaxAge, and any
	// record before a failure is added to it. It keeps few the last calls to a
	// dying dependency, and the appends that its opening has overtaken.
	failingMaxAge    = 100
	recentFailureAge = 5_000

	openMaxAge     = 1_000 // an open record is read again at most this often
	halfOpenMaxAge = 250   // likewise a half-open one
	closingMaxAge  = 100   // and one that has seen a success: it is about to close

	maxClaimWait    = 250 // claims are spread over this: environments must not write at the same instant
	maxAppendRounds = 4   // most times that a refused failure, or one whose trip was refused, is added again

	halfOpenRetryAfter = 1_000 // retry-after while somebody else's probe decides
)

// view is what the environment knows of the circuit.
type view struct {
	record   Record
	known    bool  // false until the first answer
	sent     int64 // when the operation that returned record was sent: its age counts from here
	answered int64 // when it was answered

	claiming   bool   // a call holds the claiming slot
	refreshing bool   // a read runs beside a call
	serial     uint64 // makes this environment's ids unique

	storeOutage storeOutage
}

// prime reads the record before the first call.
func (n *node) prime(c *call, e event) op {
	c.stage = priming
	return n.emit(c, e, op{kind: opLoad, consistent: true, cold: true})
}

// refresh reads the record beside a call.
func (n *node) refresh(c *call, e event) op {
	c.stage = refreshing
	return n.emit(c, e, op{kind: opLoad})
}

// arrive begins a call's admission.
func (n *node) arrive(c *call, e event) op {
	c.stage = admitting
	switch {
	case n.retriesStore(c, e.now):
		return n.emit(c, e, op{kind: opLoad, consistent: true})
	case n.storeOutage.since != 0:
		return n.emit(c, e, n.decideLocally(c, e))
	case !n.known || e.now < n.sent:
		// A clock that was set back makes ages meaningless: start afresh.
		cold := !n.known
		n.known = false
		return n.emit(c, e, op{kind: opLoad, consistent: true, cold: cold})
	case n.stale(e.now):
		return n.emit(c, e, op{kind: opLoad})
	default:
		return n.emit(c, e, n.decide(c, e))
	}
}

// check asks, between the tries of an admitted call, whether its circuit has
// opened meanwhile. The call c is the question's own.
func (n *node) check(c *call, e event) op {
	c.stage = checking
	switch {
	case n.storeOutage.since != 0:
		return n.emit(c, e, n.decideLocally(c, e))
	case n.stale(e.now):
		return n.emit(c, e, op{kind: opLoad})
	default:
		return n.emit(c, e, n.checked(c, e))
	}
}

// report takes an admitted call's outcome. A success of a closed circuit
// writes nothing.
func (n *node) report(c *call, o Outcome, e event) op {
	c.stage, c.outcome, c.appendRounds = reporting, o, 0
	switch {
	case c.local && c.outageSince != n.storeOutage.since:
		return n.done(c) // the store has returned: this outcome's record is gone
	case c.probe:
		c.stage = concluding
		return n.emit(c, e, n.write(c, n.conclude(c.claim, o, e.now, n.nextID())))
	case o.Verdict != Failed || c.disabled:
		return n.done(c)
	}
	n.serial++
	c.failure = newFailureID(e.now, n.id, n.serial)
	if !c.local && e.now-n.sent > failingMaxAge {
		return n.emit(c, e, op{kind: opLoad})
	}
	return n.emit(c, e, n.add(c, e.now))
}

// replied takes the answer to the operation under way.
func (n *node) replied(c *call, e event) op { return n.emit(c, e, n.next(c, e)) }

// emit hands out the next operation that needs the outside world. Those of a
// local call are performed here, on the environment's own record; and a call
// that comes to need a store that is away goes on locally.
func (n *node) emit(c *call, e event, o op) op {
	for o.kind.onStore() {
		if c.local {
			o = n.next(c, n.performLocally(o, e))
			continue
		}
		if n.storeOutage.since == 0 || c.retriesStore {
			break
		}
		o = n.decideLocally(c, e)
	}
	o.notices, n.notices = n.notices, nil
	return o
}

func (n *node) next(c *call, e event) op {
	if e.err != nil {
		n.storeFailed(c, e)
		return n.decideLocally(c, e)
	}
	if !c.local && c.stage != waiting {
		n.storeRecovered(c, e)
		if stale := n.adopt(e); stale {
			return op{kind: opLoad, consistent: true}
		}
	}
	if e.held && c.stage.writes() {
		n.announce(c, e.now)
	}
	switch c.stage {
	case admitting:
		c.loaded = true
		return n.decide(c, e)
	case waiting:
		return n.waited(c, e)
	case rechecking:
		return n.rechecked(c, e)
	case claiming:
		return n.claimed(c, e)
	case releasing:
		e.held = false // the claim was given back: as if it had been lost
		return n.claimed(c, e)
	case checking:
		return n.checked(c, e)
	case reporting:
		return n.add(c, e.now)
	case appending:
		return n.appended(c, e)
	case pruning:
		return n.add(c, e.now)
	case tripping:
		return n.tripped(c, e)
	default:
		return n.done(c)
	}
}

// adopt takes the record that an operation returned, unless what is known is
// newer. An eventually consistent read never replaces a higher generation: it
// is stale, or the item was deleted by hand, and a consistent read will tell.
func (n *node) adopt(e event) (stale bool) {
	switch {
	case !n.known || e.record.Generation > n.record.Generation:
	case e.record.Generation == n.record.Generation:
		if e.sent < n.sent {
			return false
		}
	case e.sent <= n.answered:
		return false // sent before the newer one was known
	case !e.authoritative:
		return true
	}
	n.record, n.known, n.sent, n.answered = e.record, true, e.sent, e.now
	return false
}

// stale tells whether the record must be read before it is trusted.
func (n *node) stale(now int64) bool {
	age := now - n.sent
	switch state, _ := n.effectiveState(n.record, now); state {
	case Open:
		return age > openMaxAge
	case HalfOpen:
		return age > halfOpenAge(n.record)
	default:
		return n.MaxAge < 0 || age > ms(n.MaxAge) || age > failingMaxAge && n.hasRecentFailure(now)
	}
}

// halfOpenAge is how long a half-open record is trusted.
func halfOpenAge(r Record) int64 {
	if r.Successes > 0 {
		return closingMaxAge
	}
	return halfOpenMaxAge
}

func (n *node) hasRecentFailure(now int64) bool {
	for _, id := range n.record.Failures {
		if now-id.At() < recentFailureAge {
			return true
		}
	}
	return false
}

// recordFor returns the record that decides for a call.
func (n *node) recordFor(c *call) Record {
	if c.local {
		return n.storeOutage.record
	}
	return n.record
}

// decide admits, rejects, or goes for the probe slot.
func (n *node) decide(c *call, e event) op {
	r := n.recordFor(c)
	switch n.admission(r, e.now) {
	case passes:
		return n.pass(c, r, e.now)
	case rejects:
		return n.reject(c, r, e.now)
	}
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
		return n.claimNow(c, e.now)
	case !c.loaded:
		return op{kind: opLoad}
	default:
		c.stage = waiting
		return op{kind: opWait, wait: int64(e.random % (maxClaimWait + 1))}
	}
}

// hasTime tells whether the caller stays for a whole probe after a wait: one
// that goes away before would leave the lease to run out, or its own lack of
// time would be taken for the dependency's failure. Where nobody who stays so
// long has come for a while, whoever comes has the time, lest callers that are
// all in a hurry keep the circuit open for ever.
func (n *node) hasTime(r Record, e event, wait int64) bool {
	return e.left > wait+ms(n.ProbeTimeout) || e.left > wait && n.probeOverdue(r, e.now)
}

func (n *node) waited(c *call, e event) op {
	if n.admission(n.record, e.now) == claimable && !n.hasTime(n.record, e, 0) {
		return n.reject(c, n.record, e.now)
	}
	c.stage = rechecking
	return op{kind: opLoad, consistent: true}
}

// rechecked decides again from the start: the wait gave others time.
func (n *node) rechecked(c *call, e event) op {
	switch n.admission(n.record, e.now) {
	case passes:
		return n.pass(c, n.record, e.now)
	case rejects:
		return n.reject(c, n.record, e.now)
	default:
		return n.claimNow(c, e.now)
	}
}

func (n *node) claimNow(c *call, now int64) op {
	c.stage = claiming
	return n.write(c, n.claim(n.recordFor(c), n.id, now, n.nextID()))
}

// claimed owns the lease that the claim's own reply gave it, and no other: a
// lease found in its own name may be from before a crash or a lost reply.
func (n *node) claimed(c *call, e event) op {
	if !e.held {
		if n.admission(e.record, e.now) == passes {
			return n.pass(c, e.record, e.now)
		}
		return n.reject(c, e.record, e.now)
	}
	c.claim = e.record
	if e.now+ms(n.ProbeTimeout) > n.probeDeadline(c.claim) {
		// Frozen or slow since the claim: the probe could outlive the lease.
		c.stage = releasing
		return n.write(c, n.conclude(c.claim, Outcome{Verdict: Neutral}, e.now, n.nextID()))
	}
	c.probe = true
	return n.admit(c)
}

func (n *node) pass(c *call, r Record, now int64) op {
	c.epoch, c.disabled = r.Epoch, n.disabled(r, now)
	o := n.admit(c)
	o.backgroundRead = !c.local && !c.loaded && !n.refreshing && now-n.sent > ms(n.RefreshAfter)
	n.refreshing = n.refreshing || o.backgroundRead
	return o
}

func (n *node) admit(c *call) op {
	n.end(c)
	return op{kind: opAdmit}
}

func (n *node) reject(c *call, r Record, now int64) op {
	n.end(c)
	return op{kind: opReject, rejection: n.rejection(c, r, now)}
}

func (n *node) done(c *call) op {
	n.end(c)
	return op{kind: opDone}
}

// end gives back what the call held of the environment.
func (n *node) end(c *call) {
	if c.claimSlot {
		n.claiming, c.claimSlot = false, false
	}
	if c.stage == refreshing {
		n.refreshing = false
	}
	c.stage = finished
}

func (n *node) checked(c *call, e event) op {
	if r := n.recordFor(c); n.admission(r, e.now) != passes {
		return n.reject(c, r, e.now)
	}
	return n.admit(c)
}

// add adds a failure, unless its epoch is over. One that says how long to stop
// opens the circuit by itself, and need not be added for that.
func (n *node) add(c *call, now int64) op {
	r := n.recordFor(c)
	switch {
	case !n.accepts(r, c.epoch, now):
		return n.done(c)
	case c.outcome.OpenFor > 0:
		return n.tripNow(c, r, now)
	}
	c.stage = appending
	return op{kind: opAppend, failure: Failure{
		ID: c.failure, Epoch: c.epoch, Cap: n.rules(c).failureCapacity(), At: now, New: n.nextID(),
	}}
}

func (n *node) tripNow(c *call, r Record, now int64) op {
	c.stage = tripping
	return n.write(c, n.trip(r, c.failure, c.outcome, now, n.nextID()))
}

func (n *node) appended(c *call, e event) op {
	m := n.rules(c)
	switch m.judge(e.record, c.failure, c.epoch, e.now) {
	case trips:
		return n.tripNow(c, e.record, e.now)
	case noRoom:
		ids := m.expired(e.record, e.now)
		if len(ids) == 0 {
			ids = m.surplus(e.record, n.id, m.failureQuota()-1)
		}
		if len(ids) == 0 || c.tooManyAppends() {
			return n.done(c)
		}
		c.stage = pruning
		return op{kind: opPrune, epoch: c.epoch, ids: ids}
	}
	if ids := m.surplus(e.record, n.id, m.failureQuota()); e.held && len(ids) > 0 {
		c.stage = trimming
		return op{kind: opPrune, epoch: c.epoch, ids: ids}
	}
	return n.done(c)
}

// rules are the machine's, except that without a store an environment alone
// must be enough to open the circuit.
func (n *node) rules(c *call) machine {
	m := n.machine
	if c.local {
		m.MinEnvironments = 1
	}
	return m
}

// tripped adds the failure again if the trip was refused by an item that is
// closed in the same epoch still: it may not hold this failure.
func (n *node) tripped(c *call, e event) op {
	if e.held || c.tooManyAppends() {
		return n.done(c)
	}
	return n.add(c, e.now)
}

func (n *node) write(c *call, change Change) op {
	c.change = change
	return op{kind: opChange, change: change}
}

// nextID is a fresh id for a write: the environment's is random, and the
// serial is never used twice in it.
func (n *node) nextID() string {
	n.serial++
	return n.id + "#" + strconv.FormatUint(n.serial, 16)
}

func (n *node) rejection(c *call, r Record, now int64) *OpenError {
	wait, reason := int64(halfOpenRetryAfter), r.Reason
	if _, mode := n.effectiveState(r, now); mode == OverrideOpen {
		// It may be taken back long before its time.
		wait, reason = min(r.OverrideUntil-now, ms(n.RecoveryTimeout)), ReasonOverride
	} else if r.State == Open && now < r.RetryAt {
		wait = r.RetryAt - now
	}
	return &OpenError{
		Circuit: n.Name, State: n.displayState(r, now), Reason: reason,
		RetryAfter: msDuration(wait), Local: c.local,
	}
}
