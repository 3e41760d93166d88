package breaker

import (
	"slices"
	"strconv"
	"strings"
)

// Schema is the item layout that this version writes. It reads the next one
// too, and the one before, for each only adds attributes to the last: an old
// and a new binary share one view while one replaces the other. A store must
// answer an item of any other schema with an error: guessing at its meaning
// could close a circuit that is open.
const Schema = 1

// State is a circuit's state. Its text is what the store holds and what
// monitors show.
type State string

const (
	Closed   State = "closed"    // calls pass, failures are counted
	Open     State = "open"      // calls are rejected until Record.RetryAt
	HalfOpen State = "half_open" // one probe at a time decides
)

// Record is the shared state of one circuit: one item in the store. The zero
// Record with State Closed is what a missing item means. Times are Unix
// milliseconds by the clock of the environment that wrote them; zero is unset.
//
// A Record is a value: Failures is never changed in place once a Record has
// been handed out, so copies may share it.
type Record struct {
	// Generation rises by one with every Change. Together with Writer it
	// fences changes: a Change holds only against the very record it was
	// decided from.
	Generation int64
	// Writer is the random id of the write that made this generation. It is
	// empty only while the item does not exist.
	Writer string
	// Epoch is the generation at which State began. It fences outcomes: a
	// call's result counts only in the epoch that admitted it. A lease changes
	// the generation, never the epoch.
	Epoch int64
	State State

	// Failures of this epoch, one element a failed call, while closed. They
	// are a set: no element is there twice, and their order means nothing.
	Failures []FailureID
	// LastFailureAt is the time of the newest failure, kept across states.
	LastFailureAt int64

	OpenedAt         int64  // when this opening began
	RetryAt          int64  // when an open circuit may be probed
	Reason           string // class of the failure that tripped it, never the dependency's text
	FirstOpenedAt    int64  // when this outage began: the first opening since closed
	ConsecutiveOpens int    // openings in this outage, the first included

	// TrippedBy is the number of failures that tripped it, as far as the
	// environment that wrote the opening knew: of those that others added
	// while it did, or after an Outcome.OpenFor in the 100 ms before, it may
	// lack some. Nothing is decided by it.
	TrippedBy int

	Successes  int    // successful probes of this half-open round, by any environment
	ProbeOwner string // environment that holds the probe lease, or empty
	ProbeUntil int64  // when that lease ends

	// An override lies over State without changing it, until OverrideUntil. No
	// OverrideMode means none.
	OverrideMode  OverrideMode
	OverrideBy    string // who set it
	OverrideWhy   string
	OverrideUntil int64
}

// missing is the record of a circuit that nobody has written yet.
func missing() Record { return Record{State: Closed} }

// Exists tells a stored item from a missing one.
func (r Record) Exists() bool { return r.Writer != "" }

// FailureID names one failed call: "<unix ms>#<environment>#<counter>". It is
// kept short because an item of under 1 KB costs one write unit.
type FailureID string

// newFailureID names the n-th failure of an environment. The counter is
// hexadecimal for brevity.
func newFailureID(at int64, environment string, n uint64) FailureID {
	return FailureID(strconv.FormatInt(at, 10) + "#" + environment + "#" + strconv.FormatUint(n, 16))
}

// environment is the id of the environment whose call failed.
func (id FailureID) environment() string {
	_, rest, _ := strings.Cut(string(id), "#")
	environment, _, _ := strings.Cut(rest, "#")
	return environment
}

// At is the failure's time in Unix milliseconds. An id that carries none is
// dated 0, so that it is pruned as expired rather than counted for ever.
func (id FailureID) At() int64 {
	ms, _, _ := strings.Cut(string(id), "#")
	at, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return 0
	}
	return at
}

// Failure is a failed call to be added to a circuit's record. ID and Cap are
// required, and New where Epoch is 0.
type Failure struct {
	ID    FailureID
	Epoch int64  // the epoch that admitted the call
	Cap   int    // a set of so many elements refuses a new one
	At    int64  // Unix milliseconds; becomes Record.LastFailureAt
	New   string // Record.Writer, should this append create the item
}

// Change is a compare-and-set: it replaces From by To if the stored record is
// still From by Generation and Writer, or still missing if From does not
// Exist. To has the next generation and a fresh Writer. Failures are left
// alone while the circuit stays closed and removed otherwise. Attributes that
// From and To agree on are not written: AppendFailure changes Failures and
// LastFailureAt without moving the fence, and would be lost.
type Change struct {
	From, To Record
}

// The three methods below are the meaning of the store's writes, once, for
// every store that can hold a record in memory. A store that cannot, such as
// DynamoDB, says the same in its own conditions, and storetest holds it to
// them.

// Append gives the record with f added, and whether f was accepted: the record
// must be closed in f's epoch, and its set must have room or hold f already.
func (r Record) Append(f Failure) (Record, bool) {
	if !r.Exists() {
		if f.Epoch != 0 {
			return missing(), false
		}
		r = Record{State: Closed, Writer: f.New}
	}
	if r.State != Closed || r.Epoch != f.Epoch {
		return r, false
	}
	held := slices.Contains(r.Failures, f.ID)
	if !held && len(r.Failures) >= f.Cap {
		return r, false
	}
	if !held {
		r.Failures = append(slices.Clip(r.Failures), f.ID)
	}
	r.LastFailureAt = f.At
	return r, true
}

// Prune gives the record without the named failures, and whether it was still
// closed in epoch.
func (r Record) Prune(epoch int64, ids []FailureID) (Record, bool) {
	if !r.Exists() || r.State != Closed || r.Epoch != epoch {
		return r, false
	}
	kept := make([]FailureID, 0, len(r.Failures))
	for _, id := range r.Failures {
		if !slices.Contains(ids, id) {
			kept = append(kept, id)
		}
	}
	r.Failures = kept
	return r, true
}

// Apply gives the record after c, and whether c held. A record that c itself
// wrote holds: that is how a repeated Change learns that it had won.
func (r Record) Apply(c Change) (Record, bool) {
	if r.Exists() && r.Writer == c.To.Writer {
		return r, true
	}
	if r.Exists() != c.From.Exists() || r.Generation != c.From.Generation || r.Writer != c.From.Writer {
		return r, false
	}
	to := c.To
	to.Failures = nil
	if c.From.State == Closed && c.To.State == Closed {
		to.Failures = r.Failures
	}
	if c.To.LastFailureAt == c.From.LastFailureAt {
		to.LastFailureAt = r.LastFailureAt
	}
	return to, true
}
