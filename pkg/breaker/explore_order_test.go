package breaker

// Delay bounding (Emmi, Qadeer, Rakamarić 2011). In a world of ordered bounds
// the calls run one after another, each from its arrival to its end: the first
// call of each environment, then the second of each, and so on round. A
// deviation passes over the call whose turn it is, which goes on when its turn
// comes again. So few deviations make the races that need few switches from
// call to call, whatever the number of calls. Free of them is what no scheduler
// decides: how a call ends, faults, the clock, an operator's hand.

// ordered keeps the moves for which enough deviations are left.
func (w *world) ordered(all []move) []move {
	kept := all[:0]
	for _, m := range all {
		if !m.takesTurn() || w.deviations(m.who) <= w.left.deviations {
			kept = append(kept, m)
		}
	}
	return kept
}

func (m move) takesTurn() bool { return m.what <= loses || m.what == ends }

// takeTurn returns a call the turn.
func (w *world) takeTurn(i int) {
	w.left.deviations -= w.deviations(i)
	w.turn = i
}

// deviations counts the calls that are passed over if a call comes next.
func (w *world) deviations(i int) int {
	n := 0
	for j := range w.slots {
		if w.ready(j) && w.turnsUntil(j) < w.turnsUntil(i) {
			n++
		}
	}
	return n
}

// turnsUntil is how far a call is from having the turn.
func (w *world) turnsUntil(i int) int {
	n := len(w.slots)
	return (w.place(i) - w.place(w.turn) + n) % n
}

// place is a call's in the order. Reads beside calls come last.
func (w *world) place(i int) int {
	if i >= w.left.envs*w.left.calls {
		return i
	}
	return i%w.left.calls*w.left.envs + i/w.left.calls
}

// due is the slot of the call that comes next without deviation.
func (w *world) due() int {
	due := -1
	for i := range w.slots {
		if w.ready(i) && (due < 0 || w.turnsUntil(i) < w.turnsUntil(due)) {
			due = i
		}
	}
	return due
}

// ready reports whether a call can take a step.
func (w *world) ready(i int) bool {
	switch w.slots[i].phase {
	case unborn:
		return w.mayArrive(i)
	case over:
		return false
	}
	return true
}
