package breaker

import (
	"context"
	"time"
)

// Transition is one change of a circuit's state, or of its override, which
// leaves the state as it is.
type Transition struct {
	Circuit    string // Settings.Name
	From, To   State
	Generation int64     // of the record after the change
	Reason     string    // class of the failure, when To is Open
	At         time.Time // UTC, by the clock of the environment that made it
	RetryAt    time.Time // UTC, when To is Open; else zero
	Opens      int       // openings in this outage so far, the first included
	// Failures and Calls are those of the time whose failure rate opened a closed
	// circuit. They are estimates, and 0 without a Settings.FailureRate.
	Failures, Calls int
	// Override is the override that was set, or that was cleared before its end
	// by ClearedBy. It is nil for a change of state.
	Override  *Override
	Cleared   bool
	ClearedBy string // as Override.By; empty unless Cleared
	// Local marks a change that was decided locally during a store outage.
	// Other environments do not know of it, and it is not in the history.
	Local bool
}

// newTransition returns the transition that a change of a circuit's state made,
// or of its override if the state stays. by is who cleared an override.
func newTransition(circuit string, c Change, by string, now int64) Transition {
	from, to := c.From, c.To
	t := Transition{
		Circuit: circuit, From: from.State, To: to.State, Generation: to.Generation,
		At: time.UnixMilli(now).UTC(), Opens: max(from.ConsecutiveOpens, to.ConsecutiveOpens),
	}
	switch {
	case from.State != to.State:
		t.Reason = to.Reason
		if from.State == Closed && to.TrippedCalls > 0 {
			t.Failures, t.Calls = to.TrippedBy, to.TrippedCalls
		}
		if to.State == Open {
			t.RetryAt = time.UnixMilli(to.RetryAt).UTC()
		}
	case to.OverrideMode != "":
		t.Override = overrideOf(to)
	default:
		t.Override, t.Cleared, t.ClearedBy = overrideOf(from), true, by
	}
	return t
}

// Observer receives what a Breaker decides. Nil functions are skipped. The
// others run on the goroutine of the call concerned or of its background read,
// outside every lock, with that call's context, which may have ended. They must
// be safe for concurrent use. The call waits for them. A panic in one is
// swallowed: it does not break the call.
//
// A Transition of the fleet goes to the one environment whose write made it: at
// most once, and exactly once if that environment learns that its write was the
// one.
type Observer struct {
	Transition func(context.Context, Transition) // of a state
	Overridden func(context.Context, Transition) // of an override, in the environment that set or cleared it
	Rejected   func(context.Context, *OpenError) // of a call, by Allow, Do or Run
	// ProbeCut is called when a probe has failed because its time was up. The next
	// one may take up to next, if its caller has the time.
	ProbeCut func(ctx context.Context, circuit string, next time.Duration)
	// StoreLost is called once per store outage, with the first error. Until it
	// ends, calls are decided locally.
	StoreLost func(ctx context.Context, circuit string, err error)
	// StoreReturned is called at the end of a store outage.
	StoreReturned func(ctx context.Context, circuit string, lasted time.Duration)
	// HistoryFailed is called when a transition could not be written to the
	// history or, with ErrUnreadable, not be understood when it was read. The
	// transition itself has happened.
	HistoryFailed func(ctx context.Context, circuit string, err error)
}

// noObserver is that of all breakers without one.
var noObserver Observer

// notice is one call of an Observer. Exactly one field is set, apart from
// inHistory.
type notice struct {
	transition    *Transition
	inHistory     bool // transition: is written to the history
	rejection     *OpenError
	probeCut      time.Duration
	storeLost     error
	storeReturned *time.Duration
	historyFailed error
}

// announce adds the notice of a transition that this call's own write made.
func (n *node) announce(c *call, now int64) {
	if c.stage == appending || c.stage == pruning || c.stage == trimming || c.stage == counting {
		return // change is that of an earlier write, which failed
	}
	if c.change.From.State == c.change.To.State && c.stage != overriding {
		return
	}
	if limit := c.change.To.ProbeLimit; limit > c.change.From.ProbeLimit {
		c.notices = append(c.notices, notice{probeCut: msDuration(limit)})
	}
	by := ""
	if c.override != nil {
		by = c.override.By
	}
	t := newTransition(n.Name, *c.change, by, now)
	t.Local = c.local
	c.notices = append(c.notices, notice{transition: &t, inHistory: !c.local && belongsInHistory(c.change.From, c.change.To)})
}

// notify calls the observer. A panic of the observer does not break the call.
func (b *Breaker) notify(ctx context.Context, n notice) {
	defer func() { _ = recover() }()
	switch {
	case n.transition != nil && n.transition.Override != nil:
		if b.observer.Overridden != nil {
			b.observer.Overridden(ctx, *n.transition)
		}
	case n.transition != nil && b.observer.Transition != nil:
		b.observer.Transition(ctx, *n.transition)
	case n.rejection != nil && b.observer.Rejected != nil:
		b.observer.Rejected(ctx, n.rejection)
	case n.probeCut != 0 && b.observer.ProbeCut != nil:
		b.observer.ProbeCut(ctx, b.Name(), n.probeCut)
	case n.storeLost != nil && b.observer.StoreLost != nil:
		b.observer.StoreLost(ctx, b.Name(), n.storeLost)
	case n.storeReturned != nil && b.observer.StoreReturned != nil:
		b.observer.StoreReturned(ctx, b.Name(), *n.storeReturned)
	case n.historyFailed != nil && b.observer.HistoryFailed != nil:
		b.observer.HistoryFailed(ctx, b.Name(), n.historyFailed)
	}
}
