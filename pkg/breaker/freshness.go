package breaker

// How long a record is used before it is read again, in ms. Settings.MaxAge
// and RefreshAfter bound the age of a closed record.
const (
	openMaxAge     = 1_000
	halfOpenMaxAge = 250
	closingMaxAge  = 100 // half-open with a success: about to close

	// A closed record with a failure younger than recentFailureAge is read
	// again after failingMaxAge, and so is any record before a failure is added
	// to it. This limits how many calls still reach a failing dependency, and
	// how many failures are written after the circuit has opened.
	failingMaxAge    = 100
	recentFailureAge = 5_000
)

// trustedUntil returns the last ms at which the record is used without reading
// it first, and the last at which it is used without a read in the background.
func (n *node) trustedUntil(now int64) (trusted, quiet int64) {
	trusted = n.sent + n.maxAge(now)
	return trusted, min(trusted, n.sent+ms(n.RefreshAfter))
}

func (n *node) maxAge(now int64) int64 {
	switch state, _ := n.effectiveState(n.record, now); {
	case state == Open:
		return openMaxAge
	case state == HalfOpen:
		return halfOpenAge(n.record)
	case n.MaxAge < 0:
		return -1 // older than any record: read before every call
	case n.hasRecentFailure(now):
		return min(failingMaxAge, ms(n.MaxAge))
	default:
		return ms(n.MaxAge)
	}
}

// halfOpenAge returns how long a half-open record is used.
func halfOpenAge(r Record) int64 {
	if r.Successes > 0 {
		return closingMaxAge
	}
	return halfOpenMaxAge
}

func (n *node) hasRecentFailure(now int64) bool {
	if n.FailureRate > 0 {
		l := n.ledger(n.record, now)
		return l.suspicious()
	}
	for _, id := range n.record.Failures {
		if now-id.At() < recentFailureAge {
			return true
		}
	}
	return false
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

// freshness is the interval in which a closed record is used without reading
// it or taking the lock.
type freshness struct {
	from, until int64
	epoch       int64
	counts      bool // successes are counted
}

// freshness returns the interval of the record that is known now, or nil. It
// returns last if that is the same.
func (n *node) freshness(last *freshness, now int64) *freshness {
	if !n.known || n.storeOutage.since != 0 || n.record.State != Closed {
		return nil
	}
	if _, mode := n.effectiveState(n.record, now); mode != "" || n.ramp(n.record, now) < 1 {
		return nil
	}
	_, quiet := n.trustedUntil(now)
	next := freshness{from: n.sent, until: quiet, epoch: n.record.Epoch}
	if n.FailureRate > 0 {
		l := n.ledger(n.record, now)
		next.counts = l.on
	}
	if last != nil && *last == next {
		return last
	}
	return &next
}
