package breaker

import "context"

// Store keeps the circuits' records for the whole fleet. Implementations are
// safe for concurrent use. Every write but Count is safe to repeat after a lost
// reply. Each has a condition and returns the record as it now is, so that after a conflict
// the writer need not read it. An operation returns soon after its context ends.
//
// The bool result reports whether the condition held. A condition that failed is
// not an error. An error means that the outcome is unknown, or that the item
// cannot be understood. Package storetest tests an implementation.
type Store interface {
	// Load reads a circuit. A missing item is the zero Record with State Closed. A
	// consistent read sees every write that was answered before it.
	Load(ctx context.Context, circuit string, consistent bool) (Record, error)

	// AppendFailure adds one failure. It creates the item if epoch 0 admitted the
	// call. Condition and effect are those of Record.Append.
	AppendFailure(ctx context.Context, circuit string, f Failure) (Record, bool, error)

	// Count adds to the circuit's counts. Condition and effect are those of
	// Record.Count. It never creates an item, and is not safe to repeat.
	Count(ctx context.Context, circuit string, t Tally) (Record, bool, error)

	// PruneFailures removes the given failures and no others. Condition and effect
	// are those of Record.Prune.
	PruneFailures(ctx context.Context, circuit string, epoch int64, ids []FailureID) (Record, bool, error)

	// Change moves the circuit to another generation. Condition and effect
	// are those of Record.Apply.
	Change(ctx context.Context, circuit string, c Change) (Record, bool, error)

	// PutTransition adds an entry to the circuit's history and replaces one of the
	// same time and generation, so that a repetition is harmless. Entries are kept for at
	// least HistoryAge, unless the store documents otherwise.
	PutTransition(ctx context.Context, circuit string, t Transition) error

	// Transitions returns the newest entries of the history, at most limit, newest
	// first: by time, then by generation. Times are UTC, to the millisecond. Entries that cannot be
	// understood are left out, and an error that wraps ErrUnreadable and states
	// their number is returned with the others. With any other error it returns
	// no entries.
	Transitions(ctx context.Context, circuit string, limit int) ([]Transition, error)
}
