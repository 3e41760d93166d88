package breaker

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// machine holds the rules of a circuit. It is pure: a record, an event and the
// time determine the next record. It reads no clock, does no I/O and draws no
// random number, so a test can explore every rule. Each rule is here once, for
// every store.
type machine struct {
	Settings
}

// admission is the answer of a record to a call that arrives now.
type admission uint8

const (
	passes    admission = iota // closed
	rejects                    // open, or another call is probing
	claimable                  // the probe slot is free
)

func (m machine) admission(r Record, now int64) admission {
	state, mode := m.effectiveState(r, now)
	switch {
	case state == Closed:
		return passes
	case mode == OverrideOpen:
		return rejects
	case m.stillOpen(r, now):
		return rejects
	case r.State == HalfOpen && m.leased(r, now):
		return rejects
	default:
		return claimable
	}
}

// displayState returns the state for monitors: an open circuit whose recovery
// time has passed is half-open for every reader, even before that is written.
func (m machine) displayState(r Record, now int64) State {
	if r.State == Open && m.admission(r, now) == claimable {
		return HalfOpen
	}
	state, _ := m.effectiveState(r, now)
	return state
}

// effectiveState returns the state after any override in force, and the mode of
// that override. An override ends by its time, without a write.
func (m machine) effectiveState(r Record, now int64) (State, OverrideMode) {
	switch {
	case r.OverrideMode == "" || !m.pending(r.OverrideUntil, now, MaxOverride):
		return r.State, ""
	case r.OverrideMode == OverrideOpen:
		return Open, OverrideOpen
	default:
		return Closed, r.OverrideMode
	}
}

// disabled reports whether an override forbids recording.
func (m machine) disabled(r Record, now int64) bool {
	_, mode := m.effectiveState(r, now)
	return mode == OverrideDisabled
}

// leased reports whether a probe may be in flight, up to and including
// ProbeUntil.
func (m machine) leased(r Record, now int64) bool {
	return r.ProbeOwner != "" && m.pending(r.ProbeUntil+1, now, m.leaseOf(r))
}

// leaseOf returns how long the record's lease may have been meant to last. The
// prober may have a longer ProbeTimeout than this environment, so the record says
// it; but a version that does not know of that may have left the length of an
// earlier lease.
func (m machine) leaseOf(r Record) time.Duration {
	return min(max(msDuration(r.ProbeLease), m.lease()), longestLease)
}

// probeOverdue reports whether a probe has been possible for a whole
// RecoveryTimeout.
func (m machine) probeOverdue(r Record, now int64) bool {
	grace := ms(m.RecoveryTimeout)
	return !m.pending(m.openUntil(r)+grace, now, m.openDuration(r)+m.RecoveryTimeout) &&
		!m.pending(r.ProbeUntil+grace, now, m.leaseOf(r)+m.RecoveryTimeout)
}

// stillOpen reports whether an opening lasts, for which calls are rejected.
func (m machine) stillOpen(r Record, now int64) bool {
	return r.State == Open && m.pending(m.openUntil(r), now, m.openDuration(r))
}

// openUntil returns when the record's opening ends: at RetryAt, or after this
// environment's MaxOpen if that is earlier. The one that opened it may have a
// longer MaxOpen.
func (m machine) openUntil(r Record) int64 {
	if r.OpenedAt == 0 {
		return r.RetryAt
	}
	return min(r.RetryAt, r.OpenedAt+ms(m.MaxOpen))
}

// openDuration returns how long the record's opening was meant to last. One
// clock wrote both times, so an error of the clock cancels out.
func (m machine) openDuration(r Record) time.Duration {
	if r.OpenedAt == 0 {
		return m.RecoveryTimeout
	}
	return msDuration(max(0, m.openUntil(r)-r.OpenedAt))
}

// pending reports whether a stored time is in the future. A time further away
// than any environment within MaxClockSkew could have written comes from a
// broken clock; waiting for it could keep a circuit open forever.
func (m machine) pending(until, now int64, longest time.Duration) bool {
	return now < until && until-now <= ms(longest+2*m.MaxClockSkew)+1
}

// inWindow reports whether a failure is inside the window that ends now. One
// dated further ahead than two clocks can differ is not.
func (m machine) inWindow(id FailureID, now int64) bool {
	at := id.At()
	return now-at <= ms(m.FailureWindow) && at-now <= ms(2*m.MaxClockSkew)
}

func (m machine) failuresInWindow(r Record, now int64) int {
	n := 0
	for _, id := range r.Failures {
		if m.inWindow(id, now) {
			n++
		}
	}
	return n
}

// environmentsInWindow counts the environments with a failure in the window,
// that of own included.
func (m machine) environmentsInWindow(r Record, own FailureID, now int64) int {
	if m.MinEnvironments == 1 {
		return 1 // more do not matter
	}
	seen := []string{own.environment()}
	for _, id := range r.Failures {
		if m.inWindow(id, now) && !slices.Contains(seen, id.environment()) {
			seen = append(seen, id.environment())
		}
	}
	return len(seen)
}

// surplus returns an environment's failures other than its newest keep.
func (m machine) surplus(r Record, environment string, keep int) []FailureID {
	if len(r.Failures) <= keep {
		return nil
	}
	var own []FailureID
	for _, id := range r.Failures {
		if id.environment() == environment {
			own = append(own, id)
		}
	}
	slices.SortFunc(own, func(a, b FailureID) int {
		return cmp.Or(cmp.Compare(a.At(), b.At()), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return own[:max(0, len(own)-keep)]
}

// expired returns the failures to prune to make room for a new one: those that
// no environment within MaxClockSkew still counts. If there are none, it returns
// those that this environment no longer counts, so that the new failure is not
// lost.
func (m machine) expired(r Record, now int64) []FailureID {
	var certain, own []FailureID
	for _, id := range r.Failures {
		if m.inWindow(id, now) {
			continue
		}
		own = append(own, id)
		if !m.inWindow(id, now-ms(m.MaxClockSkew)) {
			certain = append(certain, id)
		}
	}
	if len(certain) > 0 {
		return certain
	}
	return own
}

// verdictOnFailure is what follows the append of a failure, whether or not its
// condition held.
type verdictOnFailure uint8

const (
	settled verdictOnFailure = iota // the failure is stored, or its epoch has ended
	trips                           // the threshold is reached
	noRoom                          // the set is full of expired failures
)

// reported is a failure as its environment knows it.
type reported struct {
	id      FailureID
	epoch   int64 // that admitted its call
	weight  int64 // how many failures it stands for
	counted bool  // in Record.Counts, not as an element of Failures
	emptied bool  // this environment's own calls have emptied its bucket
	local   bool  // the record is local: it has no calls but this environment's
}

// judge decides, in this order: a failure of another epoch is dropped; enough
// failures in the window, own included even if it did not fit, open the
// circuit, if they exceed the failure rate; a stored failure is done; otherwise
// there is no room. Whoever sees the threshold trips, because the environment
// that reached it may have died.
func (m machine) judge(r Record, own reported, now int64) verdictOnFailure {
	if !m.accepts(r, own.epoch, now) {
		return settled
	}
	live, stored := 0, own.counted || r.holds(own.id)
	if len(r.Failures)+1 >= m.FailureThreshold { // fewer are too few at any age
		live = m.failuresInWindow(r, now)
	}
	if !stored {
		live++
	}
	switch {
	case live >= m.FailureThreshold && m.environmentsInWindow(r, own.id, now) >= m.MinEnvironments && m.exceedsRate(r, own, stored, now):
		return trips
	case stored:
		return settled
	default:
		return noRoom
	}
}

// exceedsRate reports whether failures exceed the failure rate. Without one, any
// do.
func (m machine) exceedsRate(r Record, own reported, stored bool, now int64) bool {
	switch {
	case m.FailureRate == 0:
		return true
	case own.local:
		return own.emptied
	}
	l := m.ledger(r, now)
	if !stored {
		l.add(now, float64(own.weight))
	}
	return l.opens(l.worst(), own.emptied)
}

// accepts reports whether the record takes a failure of a call that epoch
// admitted.
func (m machine) accepts(r Record, epoch, now int64) bool {
	return r.State == Closed && r.Epoch == epoch && !m.disabled(r, now)
}

// trip opens a closed circuit.
func (m machine) trip(r Record, own FailureID, o Outcome, now int64, writer string) Change {
	to := m.withoutEndedOverride(successor(r, writer), now)
	// A failure that did not fit counts only if the stored ones are too few: one
	// that only helped to trip is not a cause.
	to.TrippedBy = max(m.failuresInWindow(r, now), m.FailureThreshold)
	if o.OpenFor > 0 { // trips by itself and was not stored
		to.TrippedBy = m.failuresInWindow(r, now) + 1
	} else if m.FailureRate > 0 {
		l := m.ledger(r, now)
		s := l.worst()
		to.TrippedBy = max(to.TrippedBy, int(math.Round(s.failures)))
		to.TrippedCalls = max(to.TrippedBy, int(math.Round(s.calls)))
	}
	to.LastFailureAt = max(r.LastFailureAt, own.At())
	m.open(&to, o, now)
	return Change{From: r, To: to}
}

// claim takes the lease, for a caller with some time left. The lease runs from
// now, which must be before the claim is sent.
func (m machine) claim(r Record, owner string, now, left int64, writer string) Change {
	to := m.withoutEndedOverride(successor(r, writer), now)
	if r.State != HalfOpen {
		to.State, to.Epoch, to.Successes, to.ProbeFailures = HalfOpen, to.Generation, 0, 0
	}
	lease := m.probeLimit(r, left) + ms(m.leaseMargin())
	to.ProbeOwner, to.ProbeUntil, to.ProbeLease = owner, now+lease, lease
	return Change{From: r, To: to}
}

// probeLimit returns how long the next probe may take: ProbeTimeout, or more if the
// limit has cut earlier probes of the outage and the caller has the time.
func (m machine) probeLimit(r Record, left int64) int64 {
	return max(ms(m.ProbeTimeout), min(r.ProbeLimit, left))
}

// limitOf returns how long the probe of a claim may take.
func (m machine) limitOf(claim Record) int64 {
	return claim.ProbeLease - ms(m.leaseMargin())
}

// cut reports whether a failed probe has used all its time. It may have failed by
// its limit alone: a dependency whose good answers take longer would never close
// its circuit again.
func (m machine) cut(claim Record, o Outcome, now int64) bool {
	begun := claim.ProbeUntil - claim.ProbeLease
	return o.Verdict == Failed && o.OpenFor == 0 && claim.ProbeLease > 0 && now >= begun+m.limitOf(claim)
}

// firstCut is the part of the recovery time after which a probe is tried again that
// was the first of its outage to be cut.
const firstCut = 4

// probeDeadline returns when the probe of a claim must have ended. Until then no
// reader sees the lease end, even if its clock is as far ahead as allowed and
// the prober's as far behind.
func (m machine) probeDeadline(claim Record) int64 {
	return claim.ProbeUntil - ms(2*m.MaxClockSkew)
}

// conclude ends a probe, starting from the record that its claim wrote. A
// success after the lease does not count, because another probe may be in
// flight. A late failure counts if its fence still holds.
func (m machine) conclude(claim Record, o Outcome, now int64, writer string) Change {
	to := m.release(claim, writer).To
	switch {
	case o.Verdict == Failed && m.tolerates(claim, o):
		to.LastFailureAt = now
		to.ProbeFailures++
	case o.Verdict == Failed:
		to.LastFailureAt = now
		m.open(&to, o, now)
		if m.cut(claim, o, now) {
			to.ProbeLimit = min(2*m.limitOf(claim), ms(longestProbe))
			if claim.ProbeLimit == 0 {
				to.RetryAt = now + (to.RetryAt-now)/firstCut
			}
		}
	case o.Verdict == Succeeded && now <= claim.ProbeUntil:
		to.Successes++
		if to.Successes >= m.SuccessThreshold {
			to = Record{
				Generation: to.Generation, Writer: writer, Epoch: to.Generation,
				State: Closed, LastFailureAt: to.LastFailureAt, Traffic: to.Traffic,
			}
			if m.RecoveryRamp > 0 || m.FailureRate > 0 {
				to.ClosedAt = now
			}
		}
	}
	if o.Verdict == Neutral {
		to.ProbeOwner, to.ProbeUntil, to.ProbeLease = noOwner, now+neutralPause, neutralPause
	}
	return Change{From: claim, To: to}
}

// release ends a claim without a probe.
func (m machine) release(claim Record, writer string) Change {
	to := successor(claim, writer)
	to.ProbeOwner, to.ProbeUntil, to.ProbeLease = "", 0, 0
	return Change{From: claim, To: to}
}

// After a neutral probe the slot stays taken by nobody for a second. Else callers
// that cancel their calls, one after the other, would probe many times a second.
const (
	noOwner      = "nobody"
	neutralPause = 1_000 // ms
)

// prolong has an open circuit wait for as long as the dependency asks a call that
// was under way when it opened. It only ever raises RetryAt.
func (m machine) prolong(r Record, o Outcome, now int64, writer string) Change {
	to := successor(r, writer)
	to.RetryAt = m.prolongedUntil(r, o, now)
	return Change{From: r, To: to}
}

func (m machine) prolongedUntil(r Record, o Outcome, now int64) int64 {
	return min(now+ms(o.OpenFor), r.OpenedAt+ms(m.MaxOpen))
}

// prolongs reports whether an outcome asks for a longer opening than the record's.
func (m machine) prolongs(r Record, o Outcome, now int64) bool {
	return o.OpenFor > 0 && m.stillOpen(r, now) && !m.disabled(r, now) && r.RetryAt < m.prolongedUntil(r, o, now)
}

// tolerates reports whether the successes of a half-open round make up for one
// more failed probe.
func (m machine) tolerates(claim Record, o Outcome) bool {
	failures := float64(claim.ProbeFailures + 1)
	return o.OpenFor == 0 && m.FailureRate > 0 && failures*(1-m.FailureRate) <= float64(claim.Successes)*m.FailureRate
}

// open sets what a first opening and a reopening have in common.
func (m machine) open(to *Record, o Outcome, now int64) {
	to.State, to.Epoch, to.Failures = Open, to.Generation, nil
	if to.FirstOpenedAt == 0 {
		to.FirstOpenedAt = now
	}
	to.ConsecutiveOpens++
	to.OpenedAt, to.RetryAt, to.Reason = now, now+ms(m.newOpenDuration(o, to.ConsecutiveOpens)), o.Reason
	to.Successes, to.ProbeFailures, to.ProbeOwner, to.ProbeUntil, to.ProbeLease, to.ClosedAt = 0, 0, "", 0, 0, 0
}

// newOpenDuration returns how long the outage's n-th opening lasts.
func (m machine) newOpenDuration(o Outcome, n int) time.Duration {
	if o.OpenFor > 0 {
		return min(o.OpenFor, m.MaxOpen)
	}
	grown := float64(m.RecoveryTimeout) * math.Pow(m.OpenBackOff, float64(n-1))
	return time.Duration(min(grown, float64(m.MaxOpen)))
}

// override sets o, or clears the override if o has no Mode. A running lease
// stays, because its probe may be at the dependency: the probe slot stays taken
// until the probe must have ended, and its result is fenced out.
func (m machine) override(r Record, o Override, writer string) Change {
	to := withoutOverride(successor(r, writer))
	if o.Mode != "" {
		to.OverrideMode, to.OverrideBy, to.OverrideWhy, to.OverrideUntil = o.Mode, o.By, o.Why, o.Until.UnixMilli()
	}
	to.Successes, to.ProbeFailures = 0, 0
	return Change{From: r, To: to}
}

// withoutEndedOverride removes an override that is not in force.
func (m machine) withoutEndedOverride(r Record, now int64) Record {
	if _, mode := m.effectiveState(r, now); mode == "" {
		return withoutOverride(r)
	}
	return r
}

func withoutOverride(r Record) Record {
	r.OverrideMode, r.OverrideBy, r.OverrideWhy, r.OverrideUntil = "", "", "", 0
	return r
}

// belongsInHistory reports whether a transition is an entry of the history. The
// start of a probe is not, nor is another failed probe for the same reason.
func belongsInHistory(from, to Record) bool {
	switch {
	case from.State == to.State: // of an override
		return true
	case to.State == HalfOpen:
		return false
	default:
		return from.State != HalfOpen || to.State != Open || from.Reason != to.Reason
	}
}

func successor(r Record, writer string) Record {
	r.Generation++
	r.Writer = writer
	return r
}

func ms(d time.Duration) int64 { return d.Milliseconds() }

func msDuration(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
