package breaker

import "context"

// Store keeps the circuits' records for the whole fleet. Implementations are
// safe for concurrent use. Every operation names the condition under which it
// writes, is safe to repeat after a lost reply, and returns the record as it
// now is: a refused writer learns the truth without a further read. An
// operation returns soon after its context ends.
//
// The bool result tells whether the condition held. A refusal is not an
// error; an error means that the outcome is unknown, and an item that cannot
// be understood is an error too. Package storetest checks an implementation
// against this contract.
type Store interface {
	// Load reads a circuit. A missing item is the zero Record, closed.
	// Consistent asks for a read that sees every write answered before it.
	Load(ctx context.Context, circuit string, consistent bool) (Record, error)

	// AppendFailure adds one failure, creating the item if epoch 0 admitted
	// the call. Condition and effect are those of Record.Append.
	AppendFailure(ctx context.Context, circuit string, f Failure) (Record, bool, error)

	// PruneFailures removes the named failures only. Condition and effect are
	// those of Record.Prune.
	PruneFailures(ctx context.Context, circuit string, epoch int64, ids []FailureID) (Record, bool, error)

	// Change moves the circuit to another generation. Condition and effect
	// are those of Record.Apply.
	Change(ctx context.Context, circuit string, c Change) (Record, bool, error)

	// PutTransition adds to the circuit's history. An entry of the same
	// generation is replaced, which makes a repetition harmless. Entries are
	// kept for HistoryAge at least, unless the store says otherwise.
	PutTransition(ctx context.Context, circuit string, t Transition) error

	// Transitions reads the newest entries of the history, at most limit, by
	// falling generation; times are UTC, to the millisecond. Entries that it
	// cannot understand are left out: the others come with an error that is
	// ErrUnreadable and says how many were. With any other error there are
	// none.
	Transitions(ctx context.Context, circuit string, limit int) ([]Transition, error)
}
