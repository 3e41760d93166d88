package breaker

// stage is where a call has got to: what the next reply will be the answer to.
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
	concluding
	finished
)

func (s stage) writes() bool {
	switch s {
	case claiming, releasing, appending, pruning, tripping, trimming, concluding:
		return true
	}
	return false
}

// call is one call's progress: first its admission, then its report.
type call struct {
	stage stage
	epoch int64  // that admitted it: the fence of a failure
	probe bool   // admitted as the circuit's probe
	claim Record // that its own claim wrote: the fence of a probe's result

	local        bool  // decided without the store
	outageSince  int64 // which time away, if local
	retriesStore bool  // is the one that tries a lost store again
	loaded       bool  // has read the record during this admission
	claimSlot    bool  // holds the claiming slot

	disabled bool // admitted by an override that disables the circuit

	outcome      Outcome
	failure      FailureID
	appendRounds int // of adding the failure again
	change       Change
}

// tooManyAppends counts one more time that the failure is to be added, so that no
// sequence of others' writes can keep a call for ever.
func (c *call) tooManyAppends() bool {
	c.appendRounds++
	return c.appendRounds > maxAppendRounds
}

// event is a call's arrival or report, or the reply to its operation.
type event struct {
	now    int64
	random uint64
	left   int64 // ms until the caller's context ends

	sent          int64 // when the operation was sent
	authoritative bool  // a write's answer, or a consistent read's
	record        Record
	held          bool // the operation's condition
	err           error
}

// op is what to do next. A call has one under way at a time.
type op struct {
	kind           opKind
	consistent     bool        // opLoad
	cold           bool        // opLoad: the first, which has to dial
	backgroundRead bool        // opAdmit: start a refresh, to end before the call does
	wait           int64       // opWait: ms
	failure        Failure     // opAppend
	epoch          int64       // opPrune
	ids            []FailureID // opPrune
	change         Change      // opChange
	rejection      *OpenError  // opReject
	notices        []notice    // for observers, whatever the kind
}

type opKind uint8

const (
	opAdmit opKind = iota // the call may go
	opReject
	opDone // nothing is left to do
	opWait
	opLoad
	opAppend
	opPrune
	opChange
)

func (k opKind) onStore() bool { return k >= opLoad }
