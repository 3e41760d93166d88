package idempotency

// Step is what a call under a key may do.
type Step uint8

const (
	// Send: nothing can have been created. The caller may send its request.
	Send Step = iota
	// LookUp: an earlier request may have been performed. The caller searches for
	// its result, and sends another request only if MaySend is true.
	LookUp
	// Wait: another call may be sending. No Claim has this step.
	Wait
	// Replay: the issue exists.
	Replay
	// Mismatch: the key is bound to another payload. No Claim has this step.
	Mismatch
	// Unsure: the call that this one waited for does not know the outcome, and
	// has just searched for it.
	Unsure
)

// This file is pure: it has no clock and no store, and its tests try every case.
// Claim.change adds the writer to the records that it returns.

func (r Record) expired(now int64) bool { return r.Version == 0 || r.ExpiresAt <= now/1000 }

// step returns what a call with the payload may do now. waited: it has waited for
// another call's lease.
func (r Record) step(payload string, now int64, waited bool) Step {
	switch {
	case r.expired(now), r.State == Released: // no payload is bound where nothing was created
		return Send
	case r.Payload != payload:
		return Mismatch
	case r.State == Completed:
		return Replay
	case r.State == InProgress && now <= r.LeaseUntil:
		return Wait
	case r.State == Unknown && waited:
		return Unsure
	default:
		return LookUp
	}
}

// claimed returns the record after a call has taken the lease. A call whose lease
// ended may have sent its request at any time within it.
func (r Record) claimed(payload string, now, until int64) Record {
	next := Record{State: InProgress, Payload: payload, BornAt: now}
	if r.step(payload, now, false) == LookUp {
		next.BornAt, next.SentUntil, next.Unlabelled = r.BornAt, r.SentUntil, r.Unlabelled
		if r.State == InProgress {
			next.SentUntil = max(r.SentUntil, r.LeaseUntil)
		}
	}
	next.Version, next.Attempts, next.LeaseUntil = r.Version+1, r.Attempts+1, until
	next.ExpiresAt = until/1000 + int64(life.Seconds())
	return next
}

// unlabelled returns the record before a request without the label is sent. If the
// outcome of that one is unknown, a search by the label proves nothing.
func (r Record) unlabelled() Record {
	r.Version++
	r.Unlabelled = true
	return r
}

// completed returns the record of the issue.
func (r Record) completed(id, key string) Record {
	r.Version++
	r.State, r.IssueID, r.IssueKey = Completed, id, key
	return r
}

// released returns the record after requests that certainly created nothing. What
// an earlier call may have created is still unknown then.
func (r Record) released() Record {
	r.Version++
	r.State = Released
	if r.SentUntil > 0 {
		r.State = Unknown
	}
	return r
}

// unknown returns the record after a request that may have been performed.
func (r Record) unknown(now int64) Record {
	r.Version++
	r.State, r.SentUntil = Unknown, max(r.SentUntil, now)
	return r
}

// maySend reports whether another request may be sent after a search that found
// nothing.
func (r Record) maySend(now int64) bool {
	return r.SentUntil == 0 || !r.Unlabelled && now > r.SentUntil+settleAfter.Milliseconds()
}

// SameWrite reports whether both were made by one write. A write whose condition
// failed because of itself was sent twice: its first reply was lost.
func (r Record) SameWrite(other Record) bool {
	return r.Version == other.Version && r.Writer == other.Writer
}
