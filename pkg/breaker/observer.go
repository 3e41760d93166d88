package breaker

import (
	"context"
	"time"
)

// Transition is one change of a circuit's state, or of its override, which
// leaves the state as it is.
type Transition struct {
	Circuit    string
	From, To   State
	Generation int64  // of the record after the change
	Reason     string // class of the failure, when To is Open
	At         time.Time
	RetryAt    time.Time // when To is Open
	Opens      int       // openings in this outage so far, the first included
	// Override is the override that was set, or with Cleared taken away before
	// its time. It is nil for a change of state.
	Override *Override
	Cleared  bool
	// Local marks a change of the breaker that an environment runs on its own
	// while the store is away. Others know nothing of it.
	Local bool
}

// Observer is told what a Breaker decides. Nil functions are skipped. They
// run on the goroutine of the call concerned, outside every lock, with that
// call's context; they must be safe for concurrent use, and a panic in one is
// swallowed: watching a call cannot break it.
//
// A fleet-wide Transition is given to the one environment whose write made it:
// at most once, and exactly once if that environment learns of its win.
type Observer struct {
	Transition    func(context.Context, Transition) // of a state
	Overridden    func(context.Context, Transition) // of an override, told where it was set or cleared
	Rejected      func(context.Context, *OpenError)
	StoreLost     func(ctx context.Context, circuit string, err error)
	StoreReturned func(ctx context.Context, circuit string, away time.Duration)
	// HistoryFailed is told that a transition is missing from the history. It
	// happened all the same.
	HistoryFailed func(ctx context.Context, circuit string, err error)
}
