package breaker

import (
	"slices"
	"strconv"
	"strings"
)

// Schema is the version of the item layout that this package writes. It also
// reads the next version and the one before, because each only adds attributes.
// So an old and a new binary can share a table while one replaces the other. A
// store must return an error for an item of any other schema: a guess could
// close an open circuit.
const Schema = 1

// State is a circuit's state, as stored and as monitors show it.
type State string

const (
	Closed   State = "closed"    // calls pass, failures are counted
	Open     State = "open"      // calls are rejected until Record.RetryAt
	HalfOpen State = "half_open" // one probe at a time decides
)

// Record is the shared state of one circuit: one item in the store. A missing
// item is the zero Record with State Closed. Times are Unix milliseconds by the
// clock of the environment that wrote them; zero is unset.
//
// A Record is a value: Failures and Counts are never changed in place, so copies
// share them.
type Record struct {
	// Generation rises by one with every Change. Together with Writer it fences
	// changes: a Change holds only on the record from which it was decided.
	Generation int64
	// Writer is the id of the write that made this generation. It is empty only if
	// the item does not exist.
	Writer string
	// Epoch is the generation at which State began. It fences outcomes: a call's
	// result counts only in the epoch that admitted it. A claim changes the
	// generation, never the epoch of a half-open circuit.
	Epoch int64
	State State

	// Failures are the failed calls of this epoch, while closed: a set, without
	// order and duplicates.
	Failures []FailureID
	// LastFailureAt is the time of the newest failure, kept across states.
	LastFailureAt int64

	OpenedAt         int64  // when this opening began
	RetryAt          int64  // when an open circuit may be probed
	Reason           string // class of the failure that tripped it, without the dependency's text
	FirstOpenedAt    int64  // when this outage began: the first opening since closed
	ConsecutiveOpens int    // openings in this outage, the first included

	// TrippedBy is the number of failures that tripped the circuit, as known to
	// the environment that opened it. It may lack failures that others added at
	// the same time or, for an Outcome.OpenFor, in the 100 ms before. It is for
	// monitors only.
	TrippedBy int

	// Counts are the calls that were counted because a circuit with a failure rate
	// showed a failure: see Count. They are sorted, and some may be of another
	// epoch or long past: those mean nothing.
	Counts []Count
	// Traffic is the calls a minute, as reckoned when they were last counted. It is
	// kept across states.
	Traffic int64
	// TrippedCalls is the number of calls in the stretch that opened the circuit,
	// while TrippedBy of them failed. It is an estimate, and 0 without a failure
	// rate.
	TrippedCalls int

	// ClosedAt is when the circuit closed, if it has a Settings.RecoveryRamp or
	// FailureRate.
	ClosedAt int64

	Successes int // successful probes of this half-open round, by any environment
	// ProbeFailures are the failed probes of this round for which its successes
	// made up: see Settings.FailureRate.
	ProbeFailures int
	ProbeOwner    string // environment that holds the probe lease, or empty
	ProbeUntil    int64  // when that lease ends
	ProbeLease    int64  // how long that lease was meant to last, in ms; 0 if unknown
	ProbeLimit    int64  // how long the next probe may take, in ms, because earlier ones were cut; 0: as in Settings

	// An override replaces the effect of State until OverrideUntil, but not State
	// itself. Without an OverrideMode there is none.
	OverrideMode  OverrideMode
	OverrideBy    string // who set it
	OverrideWhy   string
	OverrideUntil int64
}

// missing returns the record of a circuit without an item.
func missing() Record { return Record{State: Closed} }

// Exists reports whether the record is that of a stored item.
func (r Record) Exists() bool { return r.Writer != "" }

// FailureID identifies one failed call: "<unix ms>#<environment>#<counter>". It
// is short because an item of less than 1 KB costs one write unit.
type FailureID string

// newFailureID returns the id of a failure. The counter n is unique in the
// environment and written in hexadecimal for brevity.
func newFailureID(at int64, environment string, n uint64) FailureID {
	id := strconv.AppendInt(make([]byte, 0, 64), at, 10)
	id = append(append(append(id, '#'), environment...), '#')
	return FailureID(strconv.AppendUint(id, n, 16))
}

// environment returns the id of the environment whose call failed.
func (id FailureID) environment() string {
	_, rest, _ := strings.Cut(string(id), "#")
	environment, _, _ := strings.Cut(rest, "#")
	return environment
}

// At returns the failure's time in Unix milliseconds. It is 0 for a malformed id,
// which is then pruned as expired and not counted forever.
func (id FailureID) At() int64 {
	const digits = 13 // until the year 2286
	at, n := int64(0), 0
	for ; n < len(id) && n <= digits && '0' <= id[n] && id[n] <= '9'; n++ {
		at = 10*at + int64(id[n]-'0')
	}
	if 0 < n && n < len(id) && id[n] == '#' {
		return at
	}
	return id.parsedAt()
}

// parsedAt is At for an id that this package did not write.
func (id FailureID) parsedAt() int64 {
	ms, _, _ := strings.Cut(string(id), "#")
	at, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return 0
	}
	return at
}

// Failure is a failed call to be added to a circuit's record. ID and Cap are
// required, and New if Epoch is 0.
type Failure struct {
	ID    FailureID
	Epoch int64  // the epoch that admitted the call
	Cap   int    // the most failures that the record may hold
	At    int64  // Unix milliseconds; becomes Record.LastFailureAt
	New   string // Record.Writer if this append creates the item
	// More is added to Record.Counts: a failure that stands for w adds w - 1.
	More []Count
}

// Change is a compare-and-set: it replaces From by To if the stored record still
// has From's Generation and Writer, or is still missing if From does not Exist.
// To has the next generation and a new Writer. If the circuit stays closed,
// Failures and Counts stay as they are. Otherwise Failures is removed, and of
// Counts what From has. Attributes that are equal in From and To are not written:
// AppendFailure and Count change some without a new generation, and their effect
// would be lost.
type Change struct {
	From, To Record
}

// The methods below define the writes of a Store. A store in memory calls
// them. One that cannot, such as DynamoDB, expresses the same in its own
// conditions, and storetest compares the two.

// Append returns the record with f added and reports whether the condition held:
// the record is closed in f's epoch, and has room for f or holds it already.
func (r Record) Append(f Failure) (Record, bool) {
	r.Failures = slices.Clip(r.Failures) // copies of the record share what is behind
	held := r.AppendInPlace(f)
	return r, held
}

// AppendInPlace is Append on r itself, for a store in memory that keeps r and
// returns no record with spare capacity in Failures: it uses that capacity.
func (r *Record) AppendInPlace(f Failure) bool {
	if !r.Exists() {
		if f.Epoch != 0 {
			*r = missing()
			return false
		}
		*r = Record{State: Closed, Writer: f.New}
	}
	if r.State != Closed || r.Epoch != f.Epoch {
		return false
	}
	held := r.holds(f.ID)
	if !held && len(r.Failures) >= f.Cap {
		return false
	}
	if !held {
		r.Failures = append(r.Failures, f.ID)
	}
	r.LastFailureAt = f.At
	r.Counts = withCounts(r.Counts, f.More)
	return true
}

// holds reports whether the failure is in the record. Ids of one environment
// differ at their end, and a new one is often the last.
func (r *Record) holds(id FailureID) bool {
	for i := len(r.Failures) - 1; i >= 0; i-- {
		other := r.Failures[i]
		if len(other) == len(id) && (len(id) == 0 || other[len(id)-1] == id[len(id)-1]) && other == id {
			return true
		}
	}
	return false
}

// Prune returns the record without the given failures and reports whether the
// condition held: the record is closed in epoch.
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

// Apply returns the record after c and reports whether c held. It also holds if
// c itself wrote the record, so that a repeated Change learns that it won.
func (r Record) Apply(c Change) (Record, bool) {
	if r.Exists() && r.Writer == c.To.Writer {
		return r, true
	}
	if r.Exists() != c.From.Exists() || r.Generation != c.From.Generation || r.Writer != c.From.Writer {
		return r, false
	}
	to := c.To
	to.Failures, to.Counts = nil, withoutCounts(r.Counts, c.From.Counts)
	if c.From.State == Closed && c.To.State == Closed {
		to.Failures, to.Counts = r.Failures, r.Counts
	}
	if c.To.LastFailureAt == c.From.LastFailureAt {
		to.LastFailureAt = r.LastFailureAt
	}
	if c.To.Traffic == c.From.Traffic {
		to.Traffic = r.Traffic
	}
	return to, true
}
