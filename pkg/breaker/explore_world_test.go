package breaker

import "strconv"

// The explorer runs real environments (environment.go, on machine.go) as a
// world in which nothing happens by itself. Each move is one atomic step: a
// call arrives, the store performs one operation, its reply arrives or is lost,
// the dependency answers, an environment dies, time goes on to the next instant
// at which some comparison in the protocol changes. A world is a value: copying
// it copies the whole state, so every order of moves can be tried.

const mostEnvs = 3

// bounds are what a world may see happen, at most.
type bounds struct {
	envs, calls int
	ticks       int  // times that the clock goes on
	crashes     int  // environments that die, each replaced by a cold one
	losses      int  // store operations whose reply is lost, or that the SDK sends twice
	stale       int  // eventually consistent reads answered with an older version
	freezes     int  // probes frozen at the dependency
	hands       int  // times that the item is deleted, or an override set, by hand
	faults      int  // all of these together; 0: no bound of its own
	together    bool // a reply arrives with its operation
	ages        bool // the clock stops at the ages of caches, too
	reduced     bool // of orders that make no difference few are tried
	ordered     bool // calls run one after another, but for so many deviations
	deviations  int
}

type phase uint8

const (
	unborn    phase = iota // the call has not arrived
	sent                   // its operation is on the way to the store
	performed              // it was performed, the reply is on the way back
	calling                // the call is at the dependency
	over
)

// slot is one call in flight: of the real code, what it knows; of the explorer,
// what really happened, for the checks.
type slot struct {
	call  call
	env   int
	phase phase
	ids   uint64 // issued to this call

	op       op
	sentAt   int64 // by its environment's clock
	reply    Record
	held     bool
	eventual bool // the reply is an eventually consistent read's

	won      string // writer of a change of this call that the store holds or held
	until    int64  // true time at which a probe's own timeout ends it
	frozen   bool
	admitted int64     // epoch that admitted it
	counted  FailureID // under which its failure was first sent
	verdict  Verdict   // of the dependency
	reported int64     // when, by its environment's clock; 0: not yet
	lost     bool      // some operation of it met an error

	hash uint64
}

type world struct {
	*situation
	left     bounds
	now      int64
	record   Record
	older    Record // the version before, for stale reads
	envs     [mostEnvs]node
	slots    []slot
	born     [mostEnvs]int // cold starts of each environment
	turn     int           // the slot that had the last turn, if they are ordered
	lone     int           // the environment that goes on alone, if orders are reduced
	stray    *slot         // the call as it was when it gave up its operation, which may still arrive
	deleted  bool          // by hand: generations may repeat
	disabled bool          // by hand: failures may go unrecorded

	successes int    // that really were, in this half-open round
	announced uint64 // generations whose transition observers have heard of
	envHash   [mostEnvs]uint64
	shared    bool   // the last move saw or changed more than its environment's own
	breach    string // the first invariant that was broken, and how
}

// copyTo makes another world equal to w, in the other's own memory.
func (w *world) copyTo(other *world) {
	slots := append(other.slots[:0], w.slots...)
	*other = *w
	other.slots = slots
}

func (w *world) clock(env int) int64 { return w.now + w.skew[env] }

func (w *world) event(env int) event { return event{now: w.clock(env), left: 20_000} }

// birth returns a cold environment. Its id is never used again.
func (w *world) birth(env int) {
	id := string(rune('a'+env)) + strconv.Itoa(w.born[env])
	w.born[env]++
	w.envs[env] = node{machine: machine{w.settings}, id: id}
	w.envs[env].record = missing()
	w.touchEnv(env)
}

// retired reports whether nothing that an environment knows matters any more.
func (w *world) retired(env int) bool {
	for i := range w.slots {
		if s := &w.slots[i]; s.env == env && s.phase != over {
			return false
		}
	}
	return true
}

// spend takes one from a budget, and from that of all faults.
func (w *world) spend(budget *int) {
	w.shared = true
	*budget--
	w.left.faults--
}

func (w *world) may(budget int) bool { return budget > 0 && w.left.faults > 0 }
