package breaker

import (
	"fmt"
	"slices"
	"strconv"
)

// The invariants by name, as docs/correctness.md explains them. The checks use what
// really happened in the explorer's world and do not ask the machine.
const (
	mustProbeAlone       = "1 at most one probe at a time"
	mustFence            = "2 generations only rise, and each is one write's"
	mustOpenByFailures   = "3 a circuit opens only after enough failures of one epoch in one window"
	mustCloseBySuccesses = "4 a circuit closes only after enough fenced successes of one round"
	mustCount            = "5 no failure is lost or counted twice"
	mustDecideOnce       = "6 each call has one decision and one outcome"
	mustCloseAgain       = "7 a circuit can always close again"
	mustOutliveStore     = "8 a store outage costs one wait and rejects nobody"
	mustAnnounceOnce     = "9 a transition is announced at most once"
)

var invariants = []string{
	mustProbeAlone, mustFence, mustOpenByFailures, mustCloseBySuccesses, mustCount,
	mustDecideOnce, mustCloseAgain, mustOutliveStore, mustAnnounceOnce,
}

// seen is the state before a step.
type seen struct {
	view
	op    op // whose reply the step takes
	phase phase
}

func (w *world) broken(invariant, format string, args ...any) {
	if w.breach == "" {
		w.breach = invariant + ": " + fmt.Sprintf(format, args...)
	}
}

// checkStep judges what the real code decided. The slot still holds what it
// was answered.
func (w *world) checkStep(i int, was seen, e event, o op, firstID uint64) {
	s := &w.slots[i]
	n := &w.envs[s.env]
	w.checkView(n, was)
	w.checkNotices(s, e, o)
	switch o.kind {
	case opAdmit:
		w.checkAdmission(i, was, e)
	case opReject:
		if o.rejection.State == Closed {
			w.broken(mustDecideOnce, "a call is rejected by a closed record")
		}
	case opDone:
		w.checkCounted(s)
	}
	if o.kind > opDone && o.kind.onStore() {
		w.checkOutage(s, was, e)
	}
	switch o.kind {
	case opChange:
		w.checkID(n, o.change.To.Writer, firstID)
		w.checkDecided(s, e, *o.change)
	case opAppend:
		w.checkID(n, o.failure.New, firstID)
		if s.counted == "" {
			s.counted = o.failure.ID
		}
		if s.counted != o.failure.ID {
			w.broken(mustCount, "one failed call is counted as %s and as %s", s.counted, o.failure.ID)
		}
	case opPrune:
		for _, id := range o.ids {
			own := w.settings.MinEnvironments > 1 && id.environment() == n.id // it keeps no more than its quota
			if w.inWindow(id, e.now) && !own {
				w.broken(mustCount, "%s is pruned while it counts", id)
			}
		}
	}
	w.checkHelp(s, was, e, o)
}

// checkView: what an environment knows never goes back, unless the item was
// deleted by hand.
func (w *world) checkView(n *node, was seen) {
	if !was.known || !n.known || n.record.Generation >= was.record.Generation {
		return
	}
	w.shared = true
	if !w.deleted {
		w.broken(mustFence, "%s knew generation %d and takes %d for newer", n.id, was.record.Generation, n.record.Generation)
	}
}

func (w *world) checkID(n *node, id string, first uint64) {
	serial := n.id + "#" + strconv.FormatUint(n.serial, 16)
	if n.serial == first || id != serial {
		w.broken(mustFence, "the id %s of a write is not a fresh one", id)
	}
}

func (w *world) checkNotices(s *slot, e event, o op) {
	told := false
	for _, notice := range o.notices {
		if t := notice.transition; t != nil && !t.Local {
			told, w.shared = true, true
			bit := uint64(1) << uint(t.Generation&63)
			if w.announced&bit != 0 && !w.deleted {
				w.broken(mustAnnounceOnce, "generation %d is announced twice", t.Generation)
			}
			w.announced |= bit
			if s.won != s.op.change.To.Writer {
				w.broken(mustAnnounceOnce, "generation %d is announced by one who did not write it", t.Generation)
			}
		}
	}
	c := s.op.change
	if s.phase != calling && s.op.kind == opChange && e.err == nil && s.held && c.From.State != c.To.State && !told {
		w.broken(mustAnnounceOnce, "generation %d is written and not announced", c.To.Generation)
	}
}

func (w *world) checkAdmission(i int, was seen, e event) {
	s := &w.slots[i]
	n := &w.envs[s.env]
	c := &s.call
	if s.phase == calling || s.reported != 0 {
		w.broken(mustDecideOnce, "a call is admitted twice")
	}
	if !c.probe {
		told := s.phase == performed && effectiveState(s.reply, e.now) == Closed
		if state := effectiveState(*n.knows(c), e.now); !told && state != Closed {
			w.broken(mustDecideOnce, "a call is admitted by a record that is %s", state)
		}
		if s.phase == unborn && !c.local && e.now-was.sent > ms(w.settingsOf(s.env).MaxAge) {
			w.broken(mustDecideOnce, "a call is admitted by a record %d ms old", e.now-was.sent)
		}
		return
	}
	if c.local {
		return
	}
	if s.op.kind != opChange || c.claim.Writer != s.op.change.To.Writer || s.won != c.claim.Writer {
		w.broken(mustProbeAlone, "a probe owns a lease that its own claim did not write")
	}
	if e.now+ms(w.settingsOf(s.env).ProbeTimeout+2*w.settings.MaxClockSkew) > s.op.change.To.ProbeUntil {
		w.broken(mustProbeAlone, "a probe begins too late to end within its lease and both clocks' skew")
	}
	w.shared = true
	if w.beyond {
		return
	}
	for j := range w.slots {
		other := &w.slots[j]
		if j != i && other.phase == calling && other.call.probe && !other.call.local && !other.frozen && w.now < other.until {
			w.broken(mustProbeAlone, "two probes are at the dependency")
		}
	}
}

// checkCounted: when a failure's report is over, the item holds it, unless its
// epoch is, or the failure has left the window.
func (w *world) checkCounted(s *slot) {
	if s.verdict != Failed || s.reported == 0 || s.call.local || s.call.probe || s.lost {
		return
	}
	w.shared = true
	r := w.record
	if w.disabled || w.deleted || r.State != Closed || r.Epoch != s.admitted || slices.Contains(r.Failures, s.counted) {
		return
	}
	if w.settings.FailureRate > 0 {
		if !s.recorded && s.call.weight == 1 {
			w.broken(mustCount, "a failure of epoch %d is reported and neither stored nor counted", s.admitted)
		}
		return
	}
	if w.settings.MinEnvironments > 1 && len(machine{w.settings}.surplus(r, s.counted.environment(), w.settings.failureQuota()-1)) > 0 {
		return // newer ones of the same environment have taken its place
	}
	if s.counted == "" || w.now-s.counted.At() <= ms(w.settings.FailureWindow-w.settings.MaxClockSkew) {
		w.broken(mustCount, "a failure of epoch %d is reported and not stored", s.admitted)
	}
}

// checkHelp: who sees the threshold trips, whosever failures they are.
func (w *world) checkHelp(s *slot, was seen, e event, o op) {
	if was.op.kind != opAppend || was.phase != performed || e.err != nil || s.call.local || w.settings.FailureRate > 0 {
		return
	}
	r := e.record
	if r.State != Closed || r.Epoch != s.admitted || !w.enough(r, s.counted, e.now) {
		return
	}
	if o.kind == opChange && o.change.To.State == Open {
		return
	}
	w.shared = true
	if !w.disabled {
		w.broken(mustCount, "the threshold is seen and the circuit not opened")
	}
}

// checkOutage: a call that is decided without the store leaves it alone.
func (w *world) checkOutage(s *slot, was seen, e event) {
	if s.call.local {
		w.broken(mustOutliveStore, "an outcome of the local record goes to the fleet's")
	}
	soon := was.storeOutage.retryAt > e.now && was.storeOutage.retryAt-e.now <= 2*longestBackOff
	if s.phase == unborn && was.storeOutage.since != 0 && soon {
		w.broken(mustOutliveStore, "the store is asked %d ms before its back-off ends", was.storeOutage.retryAt-e.now)
	}
}

// checkDecided judges a change by what its sender knows.
func (w *world) checkDecided(s *slot, e event, c Change) {
	from, to := c.From, c.To
	if to.Generation != from.Generation+1 {
		w.broken(mustFence, "generation %d is followed by %d", from.Generation, to.Generation)
	}
	switch {
	case from.State == Closed:
		if to.State != Open || !s.openFor && !w.enough(from, s.counted, e.now) || from.Epoch != s.admitted {
			n := w.inWindowWith(from, s.counted, e.now)
			w.broken(mustOpenByFailures, "%d failures of epoch %d make %s of epoch %d %s", n, s.admitted, from.State, from.Epoch, to.State)
		}
	case to.ProbeOwner == noOwner:
		if s.verdict != Neutral || s.reported == 0 {
			w.broken(mustCloseAgain, "a slot is taken by nobody after a probe that was not neutral")
		}
	case to.ProbeOwner != "":
		w.checkClaim(s, e, c)
	case s.verdict == Failed && to.State != Open:
		w.broken(mustOpenByFailures, "a failed probe does not reopen")
	case s.verdict != Failed && to.State == Open:
		w.broken(mustOpenByFailures, "a probe that did not fail reopens")
	case s.reported != 0 && (s.verdict != Succeeded || s.reported > from.ProbeUntil) && to.State != Open:
		if to.Successes != from.Successes || to.State == Closed {
			w.broken(mustCloseBySuccesses, "a late or neutral result counts as success")
		}
	}
	longest := ms(w.settingsOf(s.env).RecoveryTimeout)
	if s.openFor || w.settings.OpenBackOff > 1 {
		longest = ms(w.settingsOf(s.env).MaxOpen)
	}
	if to.State == Open && (to.RetryAt <= e.now || to.RetryAt > e.now+longest) {
		w.broken(mustCloseAgain, "an opening lasts %d ms", to.RetryAt-e.now)
	}
}

func (w *world) checkClaim(s *slot, e event, c Change) {
	from, to := c.From, c.To
	soon := func(until int64, longest int64) bool {
		return e.now < until && until-e.now <= longest+ms(2*w.settings.MaxClockSkew)
	}
	own := w.settingsOf(s.env)
	lease := max(ms(own.ProbeTimeout), from.ProbeLimit) + ms(2*own.MaxClockSkew+own.StoreTimeout)
	others := lease
	if from.ProbeLease > 0 {
		others = from.ProbeLease
	}
	switch {
	case effectiveState(from, e.now) != from.State || from.OverrideMode != "" && e.now < from.OverrideUntil:
		w.broken(mustProbeAlone, "a claim under an override")
	case s.reported != 0:
		w.broken(mustProbeAlone, "a probe is made again")
	case from.State == Open && soon(min(from.RetryAt, from.OpenedAt+ms(own.MaxOpen)), min(max(from.RetryAt-from.OpenedAt, 0), ms(own.MaxOpen))):
		w.broken(mustOpenByFailures, "a circuit is claimed %d ms before its recovery time ends", from.RetryAt-e.now)
	case from.ProbeOwner != "" && soon(from.ProbeUntil+1, others+1):
		w.broken(mustProbeAlone, "a lease is taken over %d ms before its end", from.ProbeUntil-e.now)
	case to.ProbeUntil > e.now+lease:
		w.broken(mustCloseAgain, "a lease of %d ms", to.ProbeUntil-e.now)
	case to.Epoch == from.Epoch && from.State == Open:
		w.broken(mustFence, "a new state with the old one's epoch %d", from.Epoch)
	}
}

// checkCommit judges what an operation did to the item.
func (w *world) checkCommit(s *slot, before, after Record, held bool) {
	o := s.op
	if held && o.kind == opAppend && (before.State != Closed || before.Epoch != s.admitted) {
		w.broken(mustCount, "a failure of epoch %d counts in %s of epoch %d", s.admitted, before.State, before.Epoch)
	}
	if held && o.kind == opAppend && len(after.Failures) > len(before.Failures)+1 || len(after.Failures) > w.settings.failureCapacity()+1 {
		w.broken(mustCount, "the set grows to %d", len(after.Failures))
	}
	if held && o.kind == opAppend && hasTwice(after.Failures) {
		w.broken(mustCount, "one failure is two elements of %v", after.Failures)
	}
	if !held && o.kind == opChange && before.Exists() && before.Writer == o.change.To.Writer {
		w.broken(mustFence, "a change that is sent again does not know that it has won")
	}
	if after.Generation < before.Generation {
		w.broken(mustFence, "generation falls from %d to %d", before.Generation, after.Generation)
	}
	if !held || o.kind != opChange || before.Writer == o.change.To.Writer {
		return
	}
	if before.Exists() != o.change.From.Exists() || before.Generation != o.change.From.Generation || before.Writer != o.change.From.Writer {
		w.broken(mustFence, "a change of generation %d by %q holds on %d by %q", o.change.From.Generation, o.change.From.Writer, before.Generation, before.Writer)
	}
	w.checkTransition(s, before, after)
}

func (w *world) checkTransition(s *slot, before, after Record) {
	if before.State == Open && after.State == HalfOpen {
		w.successes = 0
	}
	if before.State == HalfOpen && s.verdict == Succeeded && s.reported != 0 && s.reported <= before.ProbeUntil {
		w.successes++
	}
	switch from, to := before.State, after.State; {
	case from == Open && to == Open && s.openFor:
		if longer := after; before.RetryAt >= after.RetryAt {
			w.broken(mustOpenByFailures, "an opening is shortened from %d to %d", before.RetryAt, longer.RetryAt)
		}
	case from == Closed && to != Open, from == Open && to != HalfOpen:
		w.broken(mustOpenByFailures, "%s becomes %s", from, to)
	case to == Open:
		if after.Successes != 0 || after.ProbeOwner != "" || len(after.Failures) > 0 {
			w.broken(mustCloseBySuccesses, "an opening keeps what was before: %+v", after)
		}
	case to == HalfOpen && after.Successes != w.successes && !w.deleted:
		w.broken(mustCloseBySuccesses, "%d successes are written where there were %d", after.Successes, w.successes)
	case to == Closed && w.successes < w.settingsOf(s.env).SuccessThreshold && !w.deleted:
		w.broken(mustCloseBySuccesses, "%d successes close", w.successes)
	case to == Closed && len(after.Failures) > 0:
		w.broken(mustCloseBySuccesses, "a new epoch begins with failures")
	}
	if after.State != before.State && after.Epoch != after.Generation {
		w.broken(mustFence, "%s begins at generation %d with epoch %d", after.State, after.Generation, after.Epoch)
	}
	if after.State == before.State && after.Epoch != before.Epoch {
		w.broken(mustFence, "epoch %d becomes %d while %s", before.Epoch, after.Epoch, after.State)
	}
}

// effectiveState is a record's state, or what an override in force makes of it.
func effectiveState(r Record, now int64) State {
	switch {
	case r.OverrideMode == "" || now >= r.OverrideUntil:
		return r.State
	case r.OverrideMode == OverrideOpen:
		return Open
	}
	return Closed
}

func (n *node) knows(c *call) *Record {
	if c.local {
		return n.storeOutage.record
	}
	return n.record
}

// checkRest: an environment without calls holds nothing.
func (w *world) checkRest(env int) {
	n := &w.envs[env]
	if (n.claiming || n.refreshing || n.storeOutage.retrying) && !w.busy(env) {
		w.broken(mustCloseAgain, "%s holds what no call of it gives back: claiming %v, reading %v, trying %v", n.id, n.claiming, n.refreshing, n.storeOutage.retrying)
	}
}

// checkFast: a call that is decided without the lock is decided as with it.
func (w *world) checkFast(env int) {
	f := w.envs[env].freshness(nil, w.clock(env))
	if f == nil {
		return
	}
	for _, now := range []int64{max(f.from, w.clock(env)), f.until} {
		n, c := w.envs[env], call{}
		o := n.arrive(&c, event{now: now, left: 20_000})
		switch {
		case (n.FailureRate > 0 || w.beyond) && o.kind == opLoad: // it came nearer to opening as time went on
		case len(o.notices) > 0 || o.backgroundRead || (o.kind == opReject) != (f.rejection != nil) || o.kind > opReject:
			w.broken(mustDecideOnce, "%s decides a call at %d without the lock, and with it does operation %d", n.id, now, o.kind)
		case o.kind == opAdmit && c.epoch != f.epoch:
			w.broken(mustDecideOnce, "%s admits a call in epoch %d, without the lock in %d", n.id, c.epoch, f.epoch)
		case o.kind == opReject && !alike(*f.rejection, *o.rejection):
			w.broken(mustDecideOnce, "%s rejects by %q, without the lock by %q", n.id, o.rejection, f.rejection)
		}
	}
}

// alike reports whether a rejection may stand for another: it says the same, but
// its RetryAfter may be as old as it is.
func alike(a, b OpenError) bool {
	late := ms(a.RetryAfter - b.RetryAfter)
	a.RetryAfter, b.RetryAfter = 0, 0
	return a == b && 0 <= late && late <= rejectionAge
}

func (w *world) inWindow(id FailureID, now int64) bool {
	return now-id.At() <= ms(w.settings.FailureWindow) && id.At()-now <= ms(2*w.settings.MaxClockSkew)
}

// enough reports whether a record's failures, and one's own though its append may
// have failed, are as many as open the circuit, from as many environments.
func (w *world) enough(r Record, own FailureID, now int64) bool {
	seen := map[string]bool{}
	for _, id := range append(slices.Clip(r.Failures), own) {
		if id != "" && (id == own || w.inWindow(id, now)) {
			seen[id.environment()] = true
		}
	}
	return w.inWindowWith(r, own, now) >= w.settings.FailureThreshold && len(seen) >= w.settings.MinEnvironments
}

func hasTwice(ids []FailureID) bool {
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			return true
		}
	}
	return false
}

// inWindowWith counts a record's failures in the window, and one's own even if its
// append failed.
func (w *world) inWindowWith(r Record, own FailureID, now int64) int {
	n := 0
	for _, id := range r.Failures {
		if w.inWindow(id, now) {
			n++
		}
	}
	if own != "" && !slices.Contains(r.Failures, own) {
		n++
	}
	return n
}
