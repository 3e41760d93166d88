package breaker

import "slices"

// Partial-order reduction. Most moves are an environment's own affair: they
// see and change nothing but its own view and calls, the checks included, and
// so commute with every move of the others, of the store and of an operator
// while the clock stands. Such are most arrivals, ends and replies. A move that
// does see or change more says so in world.shared; which it is depends on its
// environment alone, for an own move has nothing else to go by.
//
// A reduced search lets an environment that has made an own move go on alone,
// until it makes a shared one or its calls are over. This loses nothing. Take
// any schedule, and put off each own move until just before the next shared
// move of the same environment, or to the end if none follows: it passes moves
// of others only, so every move still does what it did, every check sees what
// it saw, and the last state is the same. The outcome is a schedule that the
// search tries. Where equal environments are told apart by who comes first,
// rename them by who comes first in that outcome.
//
// The clock is seen by every move: until it has stopped for the last time,
// every order is tried.

// alone keeps the moves of the environment that goes on alone.
func (w *world) alone(all []move) []move {
	return slices.DeleteFunc(all, func(m move) bool { return w.mover(m) != w.lone })
}

// goOn notes, after a move, who goes on alone.
func (w *world) goOn(m move) {
	w.lone = nobody
	if env := w.mover(m); env != nobody && !w.shared && w.left.ticks == 0 && !w.retired(env) {
		w.lone = env
	}
}

const nobody = -1

// mover is the environment that makes a move.
func (w *world) mover(m move) int {
	switch m.what {
	case dies:
		return m.who
	case strayLands, byHand, ticks:
		return nobody
	}
	return w.slots[m.who].env
}
