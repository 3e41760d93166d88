package breaker

import (
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

// standing is what a record says to a call that arrives now.
type standing uint8

const (
	passes    standing = iota // closed
	rejects                   // open, or another call is probing
	claimable                 // the probe slot is free
)

func (m machine) standing(r Record, now int64) standing {
	switch {
	case r.State == Closed:
		return passes
	case r.State == Open && m.ahead(r.RetryAt, now, m.RecoveryTimeout):
		return rejects
	case r.State == HalfOpen && m.leased(r, now):
		return rejects
	default:
		return claimable
	}
}

// effective is the state that monitors show: an open circuit whose recovery
// time has passed is half-open for every reader, though nobody has written it.
func (m machine) effective(r Record, now int64) State {
	if r.State == Open && m.standing(r, now) == claimable {
		return HalfOpen
	}
	return r.State
}

// leased tells whether a probe may be in flight. Takeover needs now to be
// past ProbeUntil, not at it.
func (m machine) leased(r Record, now int64) bool {
	return r.ProbeOwner != "" && m.ahead(r.ProbeUntil+1, now, m.lease())
}

// ahead tells whether a stored time is still to come. One that is further
// away than any environment within MaxClockSkew could have written comes from
// a broken clock; waiting for it could keep a circuit open for ever.
func (m machine) ahead(until, now int64, longest time.Duration) bool {
	return now < until && until-now <= ms(longest+2*m.MaxClockSkew)+1
}

// counts tells whether a failure is inside the window that ends now. One
// dated further ahead than two clocks can differ does not count.
func (m machine) counts(id FailureID, now int64) bool {
	at := id.At()
	return now-at <= ms(m.FailureWindow) && at-now <= ms(2*m.MaxClockSkew)
}

func (m machine) failuresInWindow(r Record, now int64) int {
	n := 0
	for _, id := range r.Failures {
		if m.counts(id, now) {
			n++
		}
	}
	return n
}

// expired names the failures to prune for a new one to find room: those that
// no environment within MaxClockSkew still counts, or else, lest the new
// failure be lost, those that this one no longer counts.
func (m machine) expired(r Record, now int64) []FailureID {
	var certain, own []FailureID
	for _, id := range r.Failures {
		if m.counts(id, now) {
			continue
		}
		own = append(own, id)
		if !m.counts(id, now-ms(m.MaxClockSkew)) {
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
	if r.State != Closed || r.Epoch != epoch {
		return settled
	}
	live := m.failuresInWindow(r, now)
	stored := slices.Contains(r.Failures, own)
	if !stored {
		live++
	}
	switch {
	case live >= m.FailureThreshold:
		return trips
	case stored:
		return settled
	default:
		return noRoom
	}
}

// trip opens a closed circuit.
func (m machine) trip(r Record, own FailureID, reason string, now int64, writer string) Change {
	to := successor(r, writer)
	// A failure that was refused counts only where the recorded ones alone
	// would not have tripped: who helps to trip is not one of the reasons.
	to.TrippedBy = max(m.failuresInWindow(r, now), m.FailureThreshold)
	to.LastFailureAt = max(r.LastFailureAt, own.At())
	m.open(&to, reason, now)
	return Change{From: r, To: to}
}

// claim takes the probe slot. The lease runs from now, which must be before
// the claim is sent.
func (m machine) claim(r Record, owner string, now int64, writer string) Change {
	to := successor(r, writer)
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
		m.open(&to, o.Reason, now)
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
func (m machine) open(to *Record, reason string, now int64) {
	to.State, to.Epoch, to.Failures = Open, to.Generation, nil
	to.OpenedAt, to.RetryAt, to.Reason = now, now+ms(m.RecoveryTimeout), reason
	if to.FirstOpenedAt == 0 {
		to.FirstOpenedAt = now
	}
	to.ConsecutiveOpens++
	to.Successes, to.ProbeOwner, to.ProbeUntil = 0, "", 0
}

func successor(r Record, writer string) Record {
	r.Generation++
	r.Writer = writer
	return r
}

func ms(d time.Duration) int64 { return d.Milliseconds() }
