package breaker

import "slices"

// instants returns the next instant, by true time, at which some comparison of
// the protocol changes, and the next that is not one of a cache's age; 0 is
// none. Time does not pass a probe's own timeout while it is at the
// dependency, unless its environment is frozen.
func (w *world) instants() (next, protocol int64) {
	latest := int64(1) << 62
	earliest := func(at *int64, t int64) {
		if t > w.now && (*at == 0 || t < *at) {
			*at = t
		}
	}
	for i := range w.slots {
		s := &w.slots[i]
		if s.phase == calling && s.call.probe && !s.call.local && !s.frozen {
			latest = min(latest, s.until)
			earliest(&protocol, s.until)
		}
		if s.call.stage == claiming && s.phase != over && s.phase != calling {
			slow := w.envs[s.env].probeDeadline(s.op.change.To) - ms(w.settings.ProbeTimeout) + 1
			earliest(&protocol, slow-w.skew[s.env])
		}
	}
	for env := range w.left.envs {
		if w.retired(env) {
			continue
		}
		for _, t := range w.turns(w.record) {
			earliest(&protocol, t-w.skew[env])
		}
		n := &w.envs[env]
		if n.storeOutage.since != 0 {
			earliest(&protocol, n.storeOutage.retryAt-w.skew[env])
		}
		if n.known {
			earliest(&next, n.sent+w.trusted(n)+1-w.skew[env])
		}
	}
	if next == 0 || protocol != 0 && protocol < next {
		next = protocol
	}
	if next > latest {
		next = 0
	}
	if protocol > latest {
		protocol = 0
	}
	return next, protocol
}

// turns are the times at which a record says something else.
func (w *world) turns(r Record) []int64 {
	switch {
	case r.OverrideMode != "" && w.now < r.OverrideUntil:
		return []int64{r.OverrideUntil}
	case r.State == Open:
		return []int64{r.RetryAt}
	case r.State == HalfOpen && r.ProbeOwner != "":
		return []int64{r.ProbeUntil + 1}
	case len(r.Failures) > 0:
		oldest := slices.MinFunc(r.Failures, func(a, b FailureID) int { return int(a.At() - b.At()) })
		return []int64{oldest.At() + ms(w.settings.FailureWindow) + 1}
	}
	return nil
}

// trusted is how long an environment trusts its record.
func (w *world) trusted(n *node) int64 {
	switch {
	case n.record.State == Open:
		return openMaxAge
	case n.record.State == HalfOpen:
		return halfOpenAge(n.record)
	case n.hasRecentFailure(n.sent):
		return failingMaxAge
	default:
		return ms(w.settings.RefreshAfter)
	}
}
