package breaker

// stage names the operation that a call has under way: what its next reply
// answers. Node.dispatch has the table of what follows each.
type stage uint8

const (
	priming stage = iota
	refreshing
	admitting
	waiting
	rechecking
	claiming
	releasing
	checking
	reporting
	appending
	pruning
	tripping
	trimming
	counting
	concluding
	readingOverride
	overriding
	finished
)

// writes reports whether the stage's operation changes the record.
func (s stage) writes() bool {
	switch s {
	case claiming, releasing, appending, pruning, tripping, trimming, counting, concluding, overriding:
		return true
	}
	return false
}

// byOperator reports whether an operator waits for the stage's operation. Such
// a call uses the store even during a store outage, and fails with it.
func (s stage) byOperator() bool { return s == readingOverride || s == overriding }

// call is the progress of one call: its admission, then its report. An
// operator's override and a read in the background are calls too.
type call struct {
	asked uint32 // the place of its operation in the order of the node
	stage stage
	epoch int64   // that admitted it: the fence of a failure
	probe bool    // admitted as the circuit's probe
	claim *Record // written by its own claim: the fence of a probe's result

	local        bool  // decided without the store
	outageSince  int64 // the store outage it is local in
	retriesStore bool  // is the one call that tries the store again in an outage
	loaded       bool  // has read the record during this admission
	claimSlot    bool  // holds the node's claiming slot

	disabled bool // admitted under OverrideDisabled: its failure is not recorded

	outcome   Outcome
	failure   FailureID
	random    uint64 // by which its outcome is drawn to be recorded
	weight    int64  // how many calls it stands for
	recorded  bool   // with its weight: to record it again would count it twice
	conflicts int    // writes whose condition failed and that were decided again
	change    *Change

	override *Override // to be set; without a Mode to be cleared, by its By

	notices []notice // of the step under way
}

// exceeds counts a conflict and reports whether it is one more than limit, so
// that the writes of others cannot keep a call forever.
func (c *call) exceeds(limit int) bool {
	c.conflicts++
	return c.conflicts > limit
}

// event is the input of a step: the start of a call, its result, or the reply
// to its operation.
type event struct {
	now    int64
	random uint64
	left   int64 // ms until the caller's context ends

	sent          int64  // when the operation was sent
	asked         uint32 // its place in the node's order, if it was another call's
	authoritative bool   // the reply to a write or to a consistent read
	record        Record
	held          bool // the condition of the operation held
	err           error
}

// op is the output of a step: what the call does next. A call has at most one
// operation under way.
type op struct {
	kind           opKind
	asked          uint32      // its place in the node's order
	consistent     bool        // opLoad
	cold           bool        // opLoad: the first read, which has to dial
	attached       bool        // ends with the caller's context, which bounds it
	backgroundRead bool        // opAdmit: start a read that ends before the call does
	wait           int64       // opWait: ms
	failure        Failure     // opAppend
	epoch          int64       // opPrune
	ids            []FailureID // opPrune
	tally          Tally       // opCount
	change         *Change     // opChange
	rejection      *OpenError  // opReject
	err            error       // opDone: why the record was not read or written
	notices        []notice    // for observers, with any kind
}

type opKind uint8

const (
	opAdmit opKind = iota // the call is made
	opReject
	opDone // the call is over
	opWait
	opLoad
	opAppend
	opPrune
	opChange
	opCount
)

func (k opKind) onStore() bool { return k >= opLoad }
