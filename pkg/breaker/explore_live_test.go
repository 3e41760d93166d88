package breaker

// closesAgain follows a world without further faults, with a dependency that
// answers: calls keep coming, time goes on, and within a bounded time the
// circuit must be closed and admit the calls of every environment.
func (w *world) closesAgain() string {
	var f world
	w.copyTo(&f)
	f.left = bounds{envs: w.left.envs, calls: w.left.calls, faults: 1}
	f.stray = nil
	begin := f.now
	for f.now-begin <= longestRecovery {
		all := true
		for env := range f.left.envs {
			all = f.callPasses(env) && all
		}
		if f.breach != "" {
			return f.breach
		}
		if all && f.record.State == Closed {
			return ""
		}
		f.now += 50
	}
	return mustCloseAgain + ": still " + string(f.record.State) + " long after all is well"
}

// longestRecovery in ms: an opening or a lease, the back-off after losses, and
// a probe for each success that is wanting, with room.
const longestRecovery = 15_000

// callPasses ends what an environment's calls are at, then makes one call, and
// reports whether the fleet's closed record admitted it.
func (w *world) callPasses(env int) bool {
	for i := range w.slots {
		if w.slots[i].env == env {
			w.runOut(i)
		}
	}
	i := env * w.left.calls
	w.slots[i] = slot{env: env, ids: w.slots[i].ids}
	w.make(move{arrives, i, 0})
	for w.breach == "" && (w.slots[i].phase == sent || w.slots[i].phase == performed) {
		w.advance(i)
	}
	s := &w.slots[i]
	passes := s.phase == calling && !s.call.probe && !s.call.local
	w.runOut(i)
	w.runOut(w.beside(env))
	return passes
}

func (w *world) runOut(i int) {
	for w.breach == "" && w.slots[i].phase != unborn && w.slots[i].phase != over {
		w.advance(i)
	}
}

func (w *world) advance(i int) {
	switch w.slots[i].phase {
	case sent:
		w.make(move{performs, i, 0})
	case performed:
		w.make(move{replies, i, 0})
	case calling:
		w.make(move{ends, i, int(Succeeded)})
	}
}
