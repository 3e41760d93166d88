package breaker

import (
	"strconv"
	"time"
)

// step lets the real code take one, and notes what it decided.
func (w *world) step(i int, f func(*call, event) op, e event) {
	s := &w.slots[i]
	n := &w.envs[s.env]
	// Ids that depend on the call alone make equal what differs only in the
	// order in which calls drew them.
	first := uint64(i)<<20 + s.ids
	n.serial = first
	was := seen{view: n.view, op: s.op, phase: s.phase}
	o := f(&s.call, e)
	s.ids = n.serial - uint64(i)<<20
	w.checkStep(i, was, e, o, first)
	o.notices, o.rejection = nil, nil
	s.op, s.sentAt = o, e.now
	switch o.kind {
	case opAdmit:
		s.phase, s.admitted = calling, s.call.epoch
		s.until = w.now + ms(w.settings.ProbeTimeout)
		if o.backgroundRead {
			w.readBeside(s.env)
		}
	case opReject, opDone:
		w.finish(i)
	case opWait:
		// Its end touches nothing that another step could see.
		w.touchEnv(s.env)
		w.deliver(i, nil)
		return
	default:
		s.phase = sent
	}
	w.touchSlot(i)
	w.touchEnv(s.env)
	w.checkRest(s.env)
}

func (w *world) readBeside(env int) {
	i := w.beside(env)
	w.slots[i] = slot{env: env, ids: w.slots[i].ids}
	w.step(i, w.envs[env].refresh, w.event(env))
}

// commit performs a call's operation on the item.
func (w *world) commit(s *slot) (Record, bool) {
	w.shared = true
	o, before, after, held := s.op, w.record, w.record, true
	switch o.kind {
	case opAppend:
		after, held = before.Append(o.failure)
	case opPrune:
		after, held = before.Prune(o.epoch, o.ids)
	case opChange:
		after, held = before.Apply(o.change)
	}
	if held && o.kind == opChange {
		s.won = o.change.To.Writer
	}
	w.checkCommit(s, before, after, held)
	if held {
		w.store(after)
	}
	return after, held
}

func (w *world) store(r Record) {
	if w.left.stale > 0 && hashRecord(r) != hashRecord(w.record) {
		w.older = w.record
	}
	w.record = r
}

var overrides = []OverrideMode{OverrideOpen, OverrideClosed, OverrideDisabled}

// interfere is what an operator does.
func (w *world) interfere(how int) {
	w.spend(&w.left.hands)
	if how == 0 {
		w.deleted = true
		w.store(missing())
		return
	}
	mode := overrides[how-1]
	until := time.UnixMilli(w.now + 400)
	change := machine{w.settings}.override(w.record, Override{Mode: mode, By: "operator", Until: until}, "operator#"+strconv.Itoa(how))
	after, held := w.record.Apply(change)
	if !held || after.State != w.record.State || after.ProbeUntil != w.record.ProbeUntil {
		w.broken(mustFence, "an override makes %+v of %+v", after, w.record)
	}
	w.successes, w.disabled = 0, w.disabled || mode == OverrideDisabled
	w.store(after)
}
