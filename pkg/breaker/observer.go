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
	At         time.Time // UTC, by the clock of who made it
	RetryAt    time.Time // UTC, when To is Open; else zero
	Opens      int       // openings in this outage so far, the first included
	// Override is the override that was set, or with Cleared taken away before
	// its time, by ClearedBy. It is nil for a change of state.
	Override  *Override
	Cleared   bool
	ClearedBy string // who, as in Override.By; empty where not Cleared
	// Local marks a change of the breaker that an environment runs on its own
	// while the store is away. Others know nothing of it, nor does the history.
	Local bool
}

// Observer is told what a Breaker decides. Nil functions are skipped. They
// run on the goroutine of the call concerned or of the read beside it, outside
// every lock, with that call's context, which may have ended; they must be safe
// for concurrent use. The call waits for them. A panic in one is swallowed:
// watching a call cannot break it.
//
// A fleet-wide Transition is given to the one environment whose write made it:
// at most once, and exactly once if that environment learns of its win.
type Observer struct {
	Transition func(context.Context, Transition) // of a state
	Overridden func(context.Context, Transition) // of an override, told where it was set or cleared
	Rejected   func(context.Context, *OpenError) // a call that Allow, Do or Run refused
	// StoreLost is told what the store said when it first failed, once until it
	// has returned. Calls are decided locally meanwhile.
	StoreLost func(ctx context.Context, circuit string, err error)
	// StoreReturned is told how long it was away.
	StoreReturned func(ctx context.Context, circuit string, away time.Duration)
	// HistoryFailed is told that a transition is missing from the history, for
	// it could not be written, or could not be understood when it was read
	// (ErrUnreadable). It happened all the same.
	HistoryFailed func(ctx context.Context, circuit string, err error)
}
