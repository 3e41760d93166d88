package breaker

// Two worlds with the same hash are taken for the same: 64 bits make a
// collision among ten million states a matter of one in 400,000. What has no
// influence on any decision is left out: reasons, and times that are only shown.

type hash uint64

func (h *hash) add(x uint64) {
	*h = (*h ^ hash(x)) * 0x9E3779B97F4A7C15
	*h ^= *h >> 29
}

func (h *hash) num(xs ...int64) {
	for _, x := range xs {
		h.add(uint64(x))
	}
}

func (h *hash) text(s string) {
	x := uint64(len(s))
	for i := range len(s) {
		x = x*257 + uint64(s[i])
	}
	h.add(x)
}

func (h *hash) flags(fs ...bool) {
	var x uint64
	for _, f := range fs {
		x <<= 1
		if f {
			x |= 1
		}
	}
	h.add(x)
}

func hashText(s string) uint64 {
	var h hash
	h.text(s)
	return uint64(h)
}

func (h *hash) record(r *Record) { h.add(hashRecord(*r)) }

func hashRecord(r Record) uint64 {
	var h hash
	h.num(r.Generation, r.Epoch, r.RetryAt, r.ProbeUntil, int64(r.Successes), int64(r.ConsecutiveOpens))
	h.text(r.Writer)
	h.text(string(r.State))
	h.text(r.ProbeOwner)
	h.text(string(r.OverrideMode))
	h.num(r.OverrideUntil)
	var set uint64 // a set: its order means nothing
	for _, id := range r.Failures {
		set += hashText(string(id))
	}
	h.add(set)
	return uint64(h)
}

func (w *world) touchEnv(env int) {
	n := &w.envs[env]
	var h hash
	h.text(n.id)
	h.record(&n.record)
	h.flags(n.known, n.claiming, n.refreshing, n.storeOutage.retrying, n.storeOutage.writeFailed)
	h.num(n.sent, n.answered, n.storeOutage.since, n.storeOutage.retryAt, int64(n.storeOutage.failures))
	if n.storeOutage.since != 0 {
		h.record(&n.storeOutage.record)
	}
	w.envHash[env] = uint64(h)
}

func (w *world) touchSlot(i int) { w.slots[i].hash = w.slots[i].sum() }

func (s *slot) sum() uint64 {
	var h hash
	h.num(int64(s.phase))
	if s.phase == unborn || s.phase == over {
		return uint64(h)
	}
	c := &s.call
	h.num(int64(c.stage), c.epoch, c.outageSince, int64(c.conflicts), int64(c.outcome.Verdict), int64(s.ids))
	h.flags(c.probe, c.local, c.retriesStore, c.loaded, c.claimSlot, c.disabled, s.held, s.eventual, s.frozen, s.lost)
	h.text(string(c.failure))
	h.text(string(s.counted))
	h.text(s.won)
	h.num(s.sentAt, s.admitted, int64(s.verdict), s.reported)
	if c.probe {
		h.record(&c.claim)
	}
	switch s.phase {
	case calling:
		if c.probe {
			h.num(s.until)
		}
		return uint64(h)
	case performed:
		h.record(&s.reply)
	}
	s.op.sum(&h)
	return uint64(h)
}

func (o *op) sum(h *hash) {
	h.num(int64(o.kind))
	h.flags(o.consistent)
	switch o.kind {
	case opAppend:
		h.text(o.failure.New)
		h.num(o.failure.Epoch)
	case opPrune:
		h.num(o.epoch)
		for _, id := range o.ids {
			h.text(string(id))
		}
	case opChange:
		h.record(&o.change.From)
		h.record(&o.change.To)
	}
}

func (w *world) hash() uint64 {
	var h hash
	l := &w.left
	h.num(w.now, int64(w.successes), int64(l.ticks), int64(l.crashes), int64(l.losses), int64(l.stale), int64(l.freezes), int64(l.hands), int64(l.faults))
	h.add(w.announced)
	h.record(&w.record)
	if l.stale > 0 && l.faults > 0 {
		h.record(&w.older)
	}
	h.flags(w.deleted, w.disabled)
	if l.ordered {
		h.num(int64(w.due()), int64(l.deviations))
	}
	for env := range l.envs {
		if w.retired(env) {
			h.add(0)
			continue
		}
		h.add(w.envHash[env])
	}
	for i := range w.slots {
		h.add(w.slots[i].hash)
	}
	if w.stray != nil {
		h.add(w.stray.hash)
	}
	return uint64(h)
}
