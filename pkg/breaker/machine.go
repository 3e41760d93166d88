package breaker

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// machine holds the rules of a circuit. It is pure: a record, what happened
// and the time give the next record. It reads no clock, does no I/O and draws
// no random number, so every rule can be explored exhaustively, and each
// stands here once for every store.
type machine struct {
	Settings
}

// admission is what a record says to a call that arrives now.
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
	case r.State == Open && m.pending(r.RetryAt, now, m.openDuration(r)):
		return rejects
	case r.State == HalfOpen && m.leased(r, now):
		return rejects
	default:
		return claimable
	}
}

// displayState is the state that monitors show: an open circuit whose recovery
// time has passed is half-open for every reader, though nobody has written it.
func (m machine) displayState(r Record, now int64) State {
	if r.State == Open && m.admission(r, now) == claimable {
		return HalfOpen
	}
	state, _ := m.effectiveState(r, now)
	return state
}

// effectiveState is the record's state, or what an override in force makes of it,
// and that override's mode. An override ends by comparison alone.
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

// disabled tells whether an override forbids to record anything.
func (m machine) disabled(r Record, now int64) bool {
	_, mode := m.effectiveState(r, now)
	return mode == OverrideDisabled
}

// leased tells whether a probe may be in flight. Takeover needs now to be
// past ProbeUntil, not at it.
func (m machine) leased(r Record, now int64) bool {
	return r.ProbeOwner != "" && m.pending(r.ProbeUntil+1, now, m.lease())
}

// probeOverdue tells whether a probe has been possible for a whole RecoveryTimeout.
func (m machine) probeOverdue(r Record, now int64) bool {
	overdueAfter := ms(m.RecoveryTimeout)
	return !m.pending(r.RetryAt+overdueAfter, now, m.openDuration(r)+m.RecoveryTimeout) &&
		!m.pending(r.ProbeUntil+overdueAfter, now, m.lease()+m.RecoveryTimeout)
}

// openDuration is how long the record's opening was meant to last: both its times
// were written by one clock, right or not.
func (m machine) openDuration(r Record) time.Duration {
	if r.OpenedAt == 0 {
		return m.RecoveryTimeout
	}
	return msDuration(min(max(0, r.RetryAt-r.OpenedAt), ms(m.MaxOpen)))
}

// pending tells whether a stored time is still to come. One that is further
// away than any environment within MaxClockSkew could have written comes from
// a broken clock; waiting for it could keep a circuit open for ever.
func (m machine) pending(until, now int64, longest time.Duration) bool {
	return now < until && until-now <= ms(longest+2*m.MaxClockSkew)+1
}

// inWindow tells whether a failure is inside the window that ends now. One
// dated further ahead than two clocks can differ does not count.
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

// environmentsInWindow counts the environments that failed, own included.
func (m machine) environmentsInWindow(r Record, own FailureID, now int64) int {
	seen := []string{own.environment()}
	for _, id := range r.Failures {
		if m.inWindow(id, now) && !slices.Contains(seen, id.environment()) {
			seen = append(seen, id.environment())
		}
	}
	return len(seen)
}

// surplus names an environment's oldest failures beyond the newest keep.
func (m machine) surplus(r Record, environment string, keep int) []FailureID {
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

// expired names the failures to prune for a new one to find room: those that
// no environment within MaxClockSkew still counts, or else, lest the new
// failure be lost, those that this one no longer counts.
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

// verdictOnFailure is what the environment whose failed call was appended, or
// refused, has to do next.
type verdictOnFailure uint8

const (
	settled verdictOnFailure = iota // the failure is stored, or its epoch is over
	trips                           // it makes the threshold
	noRoom                          // it was refused by a set full of expired failures
)

// judge decides, in this order: an outcome of another epoch is dropped;
// failures inside the window, own included though it may have been refused,
// open the circuit; a stored failure is done; else room must be made.
// Whoever sees the threshold trips: the appender may have died in between.
func (m machine) judge(r Record, own FailureID, epoch, now int64) verdictOnFailure {
	if !m.accepts(r, epoch, now) {
		return settled
	}
	live := m.failuresInWindow(r, now)
	stored := slices.Contains(r.Failures, own)
	if !stored {
		live++
	}
	switch {
	case live >= m.FailureThreshold && m.environmentsInWindow(r, own, now) >= m.MinEnvironments:
		return trips
	case stored:
		return settled
	default:
		return noRoom
	}
}

// accepts tells whether a failure of a call that epoch admitted is to be
// recorded.
func (m machine) accepts(r Record, epoch, now int64) bool {
	return r.State == Closed && r.Epoch == epoch && !m.disabled(r, now)
}

// trip opens a closed circuit.
func (m machine) trip(r Record, own FailureID, o Outcome, now int64, writer string) Change {
	to := m.withoutEndedOverride(successor(r, writer), now)
	// A failure that was refused counts only where the recorded ones alone
	// would not have tripped: who helps to trip is not one of the reasons.
	to.TrippedBy = max(m.failuresInWindow(r, now), m.FailureThreshold)
	if o.OpenFor > 0 { // trips alone, without having been recorded
		to.TrippedBy = m.failuresInWindow(r, now) + 1
	}
	to.LastFailureAt = max(r.LastFailureAt, own.At())
	m.open(&to, o, now)
	return Change{From: r, To: to}
}

// claim takes the probe slot. The lease runs from now, which must be before
// the claim is sent.
func (m machine) claim(r Record, owner string, now int64, writer string) Change {
	to := m.withoutEndedOverride(successor(r, writer), now)
	if r.State != HalfOpen {
		to.State, to.Epoch, to.Successes = HalfOpen, to.Generation, 0
	}
	to.ProbeOwner, to.ProbeUntil = owner, now+ms(m.lease())
	return Change{From: r, To: to}
}

// probeDeadline is when the probe of a claim must have ended: a reader whose
// clock is as far ahead as allowed, and the prober's as far behind, do not
// see the lease end before.
func (m machine) probeDeadline(claim Record) int64 {
	return claim.ProbeUntil - ms(2*m.MaxClockSkew)
}

// conclude ends a probe, deciding from the record that its claim wrote. A
// success after the lease says nothing: another probe may be in flight. A late
// failure does, as long as its fence holds.
func (m machine) conclude(claim Record, o Outcome, now int64, writer string) Change {
	to := successor(claim, writer)
	to.ProbeOwner, to.ProbeUntil = "", 0
	switch {
	case o.Verdict == Failed:
		to.LastFailureAt = now
		m.open(&to, o, now)
	case o.Verdict == Succeeded && now <= claim.ProbeUntil:
		to.Successes++
		if to.Successes >= m.SuccessThreshold {
			to = Record{
				Generation: to.Generation, Writer: writer, Epoch: to.Generation,
				State: Closed, LastFailureAt: to.LastFailureAt,
			}
		}
	}
	return Change{From: claim, To: to}
}

// open fills in what every opening has, the first and a reopening.
func (m machine) open(to *Record, o Outcome, now int64) {
	to.State, to.Epoch, to.Failures = Open, to.Generation, nil
	if to.FirstOpenedAt == 0 {
		to.FirstOpenedAt = now
	}
	to.ConsecutiveOpens++
	to.OpenedAt, to.RetryAt, to.Reason = now, now+ms(m.newOpenDuration(o, to.ConsecutiveOpens)), o.Reason
	to.Successes, to.ProbeOwner, to.ProbeUntil = 0, "", 0
}

// newOpenDuration is how long the outage's n-th opening lasts.
func (m machine) newOpenDuration(o Outcome, n int) time.Duration {
	if o.OpenFor > 0 {
		return min(o.OpenFor, m.MaxOpen)
	}
	grown := float64(m.RecoveryTimeout) * math.Pow(m.OpenBackOff, float64(n-1))
	return time.Duration(min(grown, float64(m.MaxOpen)))
}

// override lays o over the circuit, or takes an override away if o has no
// mode. A running lease is kept: its probe may be at the dependency, and the
// slot stays taken until it must have ended, while its result is fenced out.
func (m machine) override(r Record, o Override, writer string) Change {
	to := successor(r, writer)
	to.OverrideMode, to.OverrideBy, to.OverrideWhy, to.OverrideUntil = o.Mode, o.By, o.Why, 0
	if o.Mode != "" {
		to.OverrideUntil = o.Until.UnixMilli()
	}
	to.Successes = 0
	return Change{From: r, To: to}
}

// withoutEndedOverride takes away what is left of an override that has ended.
func (m machine) withoutEndedOverride(r Record, now int64) Record {
	if _, mode := m.effectiveState(r, now); mode == "" {
		r.OverrideMode, r.OverrideBy, r.OverrideWhy, r.OverrideUntil = "", "", "", 0
	}
	return r
}

// belongsInHistory tells whether a change of state belongs into the history: not that
// a probe began, nor that one more failed like the one before it.
func belongsInHistory(from, to Record) bool {
	return to.State != HalfOpen && (from.State != HalfOpen || to.State != Open || from.Reason != to.Reason)
}

func successor(r Record, writer string) Record {
	r.Generation++
	r.Writer = writer
	return r
}

func ms(d time.Duration) int64 { return d.Milliseconds() }
