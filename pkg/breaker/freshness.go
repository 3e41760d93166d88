package breaker

// How long a record is used before it is read again, in ms. Settings.MaxAge
// and RefreshAfter bound the age of a closed record.
const (
	openMaxAge     = 1_000
	halfOpenMaxAge = 250
	closingMaxAge  = 100 // half-open, one success missing, and its probe younger than
	youngProbe     = 300

	// A suspicious record, with failures younger than recentFailureAge, is read
	// again after failingMaxAge, and so is any record before a failure is added
	// to it. This limits how many calls still reach a failing dependency, and
	// how many failures are written after the circuit has opened.
	failingMaxAge      = 100
	recentFailureAge   = 5_000
	suspiciousFailures = 2
)

// checkClock voids the age of the record after the clock was set back. What is
// known stays known: the record is read again before it is used, and decides if
// the store cannot be read.
func (n *node) checkClock(now int64) {
	if n.known && now < n.sent {
		n.sent = noAge
	}
}

// noAge is when a record was read whose age is unknown: too long ago.
const noAge = -int64(1) << 60

// trustedUntil returns the last ms at which the record is used without reading
// it first, and the last at which it is used without a read in the background.
func (n *node) trustedUntil(now int64) (trusted, quiet int64) {
	trusted = n.sent + n.maxAge(now)
	return trusted, min(trusted, n.sent+ms(n.RefreshAfter))
}

func (n *node) maxAge(now int64) int64 {
	switch state, _ := n.effectiveState(*n.record, now); {
	case state == Open:
		return openMaxAge
	case state == HalfOpen:
		return n.halfOpenAge(now)
	case n.MaxAge < 0:
		return -1 // older than any record: read before every call
	case n.suspicious(now):
		return min(failingMaxAge, ms(n.MaxAge))
	default:
		return ms(n.MaxAge)
	}
}

// halfOpenAge returns how long a half-open record is used. One that is about to
// close is read more often while its last probe is young: one that takes long is
// not worth so many reads.
func (n *node) halfOpenAge(now int64) int64 {
	r := *n.record
	last := r.Successes == n.SuccessThreshold-1 && r.Successes > 0
	begun := r.ProbeUntil - ms(n.leaseOf(r))
	if last && (r.ProbeOwner == "" || now-begun < youngProbe) {
		return closingMaxAge
	}
	return halfOpenMaxAge
}

// suspicious reports whether the circuit may open soon: with a failure rate, if it
// is half-way there, and without one if there are two recent failures. A single one
// is not worth a read before each call: a circuit that meets one every 15 s never
// opens.
func (n *node) suspicious(now int64) bool {
	if n.FailureRate > 0 {
		l := n.ledger(*n.record, now)
		return l.suspicious()
	}
	recent := 0
	for _, id := range n.record.Failures {
		if n.inWindow(id, now) && now-id.At() < recentFailureAge {
			recent++
		}
	}
	return recent >= suspiciousFailures
}

// stale reports whether the record must be read before it is used.
func (n *node) stale(now int64) bool {
	trusted, _ := n.trustedUntil(now)
	return now > trusted
}

// refreshDue reports whether a call that uses the record should read it in the
// background.
func (n *node) refreshDue(now int64) bool {
	_, quiet := n.trustedUntil(now)
	return now > quiet
}

// rejectionAge is how long, in ms, the rejection of one call is also that of
// the next ones: its RetryAfter is up to so much too long.
const rejectionAge = 10

// freshness is the interval in which the record admits or rejects every call
// without being read and without the lock.
type freshness struct {
	from, until int64
	epoch       int64
	counts      bool       // successes are counted
	rejection   *OpenError // nil: calls are admitted
}

// covers reports whether a call that arrives now is decided without the lock.
func (f *freshness) covers(now int64) bool { return f != nil && f.from <= now && now <= f.until }

// freshness returns the interval of the record that is known now, or nil. It
// returns last if that is the same.
func (n *node) freshness(last *freshness, now int64) *freshness {
	if !n.known || n.storeOutage.since != 0 {
		return nil
	}
	switch state, mode := n.effectiveState(*n.record, now); {
	case state != Closed:
		return n.freshRejection(now)
	case mode != "" || now < n.record.OverrideUntil || n.ramp(*n.record, now) < 1:
		return nil
	}
	_, quiet := n.trustedUntil(now)
	next := freshness{from: max(n.sent, n.record.OverrideUntil), until: quiet, epoch: n.record.Epoch}
	if n.FailureRate > 0 {
		l := n.ledger(*n.record, now)
		next.counts = l.on
	}
	switch {
	case !next.covers(now):
		return nil
	case last != nil && *last == next:
		return last
	}
	fresh := next // on the heap only if it is used
	return &fresh
}

// freshRejection returns the interval in which every call is rejected as one
// that arrives now, or nil.
func (n *node) freshRejection(now int64) *freshness {
	trusted, _ := n.trustedUntil(now)
	until := min(now+rejectionAge, trusted)
	if now < n.sent || until < now || !n.rejectsAlike(now, until) {
		return nil
	}
	return &freshness{from: now, until: until, rejection: n.rejection(&call{}, *n.record, now)}
}

// rejectsAlike reports whether the record rejects calls at both times, and for
// the same reason. They are so near that it then does in between.
func (n *node) rejectsAlike(now, until int64) bool {
	_, mode := n.effectiveState(*n.record, now)
	_, last := n.effectiveState(*n.record, until)
	return mode == last && !n.stale(until) && n.admission(*n.record, now) == rejects && n.admission(*n.record, until) == rejects
}
