package breaker

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The explorer runs real environments (node.go, on machine.go) as a
// world in which nothing happens by itself. Each move is one atomic step: a
// call arrives, the store performs one operation, its reply arrives or is lost,
// the dependency answers, an environment dies, time goes on to the next instant
// at which some comparison in the protocol changes. A world is a value: copying
// it copies the whole state, so every order of moves can be tried.

const mostEnvs = 3

// bounds are what a world may see happen, at most.
type bounds struct {
	envs, calls     int
	ticks           int  // times that the clock goes on
	crashes         int  // environments that die, each replaced by a cold one
	losses          int  // store operations whose reply is lost, or that the SDK sends twice
	stale           int  // eventually consistent reads answered with an older version
	freezes         int  // probes frozen at the dependency
	operatorActions int  // times that an operator deletes the item, or sets an override
	faults          int  // all of these together; 0: no bound of its own
	together        bool // a reply arrives with its operation
	ages            bool // the clock stops at the ages of caches, too
	reduced         bool // of orders that make no difference few are tried
	ordered         bool // calls run one after another, but for so many deviations
	deviations      int
	endless         bool // a call that is over may be followed by another: for walks
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
	openFor  bool      // it said for how long to leave it alone
	hurried  bool      // the caller has no time for a probe
	reported int64     // when, by its environment's clock; 0: not yet
	recorded bool      // its failure, as an element or in the counts
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
	born     [mostEnvs]int   // cold starts of each environment
	setBack  [mostEnvs]int64 // ms by which each clock was set back
	turn     int             // the slot that had the last turn, if they are ordered
	lone     int             // the environment that goes on alone, if orders are reduced
	stray    *slot           // the call as it was when it gave up its operation, which may still arrive
	deleted  bool            // by hand: generations may repeat
	disabled bool            // by hand: failures may go unrecorded

	successes  int    // that really were, in this half-open round
	announced  uint64 // generations whose transition observers have heard of
	operations int    // by operators so far
	envHash    [mostEnvs]uint64
	shared     bool   // the last move saw or changed more than its environment's own
	decided    *hash  // the sum of all that the real code decided; nil: not asked for
	breach     string // the first invariant that was broken, and how
}

// copyTo makes another world equal to w, in the other's own memory.
func (w *world) copyTo(other *world) {
	slots := append(other.slots[:0], w.slots...)
	*other = *w
	other.slots = slots
}

func (w *world) clock(env int) int64 { return w.now + w.skew[env] - w.setBack[env] }

// settingsOf are those that an environment is meant to run with.
func (w *world) settingsOf(env int) Settings {
	s := w.settings
	if w.neighbour != nil && env == 1 {
		w.neighbour(&s)
	}
	return s
}

// event is what reaches a call. A hurried caller leaves no time for a probe.
func (w *world) event(s *slot) event {
	e := event{now: w.clock(s.env), left: 20_000}
	if s.hurried {
		e.left = ms(w.settingsOf(s.env).ProbeTimeout) - 1
	}
	return e
}

// birth makes a cold environment. Its id is never used again.
func (w *world) birth(env int) {
	id := string(rune('a'+env)) + strconv.Itoa(w.born[env])
	w.born[env]++
	w.envs[env] = node{machine: machine{w.settingsOf(env)}, id: id}
	w.envs[env].record = &withoutItem
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

// situation is where a world begins.
type situation struct {
	name     string // short, for replays; situationTitles has the title
	settings Settings
	skew     [mostEnvs]int64 // of each environment's clock, in ms
	beyond   bool            // the clocks differ by more than is allowed: probes may overlap
	alike    bool            // the environments are equal at the start
	record   Record
	cold     bool // the environments have read nothing yet
	wins     int  // successes of the round under way

	neighbour func(*Settings) // changes the settings of environment 1
}

// situationTitles name the situations in reports.
var situationTitles = map[string]string{
	"cold":    "no record yet",
	"brink":   "one failure below the threshold",
	"full":    "a full set of expired failures",
	"reached": "failures at the threshold, not opened yet",
	"due":     "open, recovery time over",
	"waits":   "open, 10 ms of recovery time left",
	"round":   "half-open, one success missing",
	"dead":    "half-open, leased by a dead environment",
	"own":     "half-open, leased in one's own name",
	"ahead":   "opened by a clock that is an hour ahead",
	"leased":  "leased by a clock that is an hour ahead",
	"skewed":  "open, recovery time over, clocks at both ends of the allowed skew",
	"adrift":  "open, recovery time over, clocks beyond the allowed skew",
	"astray":  "one failure below the threshold, clocks beyond the allowed skew",
	"crowded": "threshold of three, two failures expired",
}

const startTime = int64(1_000_000)

// situations are chosen so that few calls reach what takes many from the
// start: the brink of opening, the instant before a probe, the last success.
func situations() []*situation {
	s := exploreSettings()
	at := func(ago int64) FailureID { return newFailureID(startTime-ago, "x", uint64(ago)) }
	open := Record{Generation: 5, Epoch: 5, Writer: "x#5", State: Open, Reason: "error", OpenedAt: startTime - 990, RetryAt: startTime + 10, FirstOpenedAt: startTime - 990, ConsecutiveOpens: 1, TrippedBy: 2}
	round := open
	round.Generation, round.Epoch, round.Writer, round.State, round.RetryAt, round.Successes = 8, 6, "x#8", HalfOpen, startTime-500, 1
	dead := round
	dead.ProbeOwner, dead.ProbeUntil = "x", startTime+300
	own := round
	own.ProbeOwner, own.ProbeUntil = "a0", startTime+300
	ahead := open
	ahead.OpenedAt, ahead.RetryAt = startTime+3_600_000, startTime+3_601_000 // by a clock an hour ahead
	leased := dead
	leased.ProbeUntil = startTime + 3_600_000
	begins := open
	begins.RetryAt, begins.OpenedAt = startTime, startTime-1000
	all := []*situation{
		{name: "cold", record: missing(), cold: true, alike: true},
		{name: "brink", record: Record{Generation: 3, Epoch: 3, Writer: "x#3", State: Closed, Failures: []FailureID{at(1500)}}, alike: true},
		{name: "full", record: Record{Generation: 3, Epoch: 3, Writer: "x#3", State: Closed, Failures: []FailureID{at(2050), at(2150)}}, alike: true},
		{name: "reached", record: Record{Generation: 3, Epoch: 3, Writer: "x#3", State: Closed, Failures: []FailureID{at(300), at(400)}}, alike: true},
		{name: "due", record: begins, alike: true},
		{name: "waits", record: open, skew: [mostEnvs]int64{-100, 100, 0}},
		{name: "round", record: round, wins: 1, alike: true},
		{name: "dead", record: dead, wins: 1, skew: [mostEnvs]int64{100, -100, 0}},
		{name: "own", record: own, wins: 1},
		{name: "ahead", record: ahead, cold: true, alike: true},
		{name: "leased", record: leased, wins: 1, cold: true, alike: true},
	}
	for _, one := range all {
		one.settings = s
	}
	skewed := *all[4]
	skewed.name, skewed.alike, skewed.skew = "skewed", false, [mostEnvs]int64{-100, 100, 0}
	adrift := skewed
	adrift.name, adrift.beyond, adrift.skew = "adrift", true, [mostEnvs]int64{-700, 700, 0}
	astray := *all[1]
	astray.name, astray.alike, astray.beyond, astray.skew = "astray", false, true, adrift.skew
	crowded := *all[1]
	crowded.name, crowded.settings.FailureThreshold = "crowded", 3
	crowded.record.Failures = []FailureID{at(2050), at(2060), at(500)}
	return append(all, &skewed, &adrift, &astray, &crowded)
}

// situationNamed returns the situation of a name, or nil. A name may end in variants
// of its settings.
func situationNamed(name string) *situation {
	name, variants, _ := strings.Cut(name, "+")
	all := situations()
	i := slices.IndexFunc(all, func(s *situation) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	for variant := range strings.SplitSeq(variants, "+") {
		all[i].vary(variant)
	}
	return all[i]
}

// Variants of a situation's settings, for walks.
const (
	shortOpenings = "short-openings" // none is longer than 4 s
	backOff       = "back-off"       // openings of one outage grow
	twoNeeded     = "two-needed"     // environments must have failed
	withRate      = "rate"           // a failure rate of 20 %, and a traffic on record
	neighbours    = "neighbours"     // one environment has other settings
)

func (s *situation) vary(variant string) {
	switch variant {
	case "":
		return
	case shortOpenings:
		s.settings.MaxOpen = 4 * time.Second
	case backOff:
		s.settings.OpenBackOff = 2
	case twoNeeded:
		s.settings.MinEnvironments = 2
	case withRate:
		s.settings.FailureRate = 0.2
		if s.record.Exists() {
			s.record.Traffic = 60
		}
	case neighbours:
		s.neighbour = func(n *Settings) {
			n.ProbeTimeout, n.RecoveryTimeout, n.MaxOpen = n.ProbeTimeout/5, n.RecoveryTimeout/2, n.MaxOpen/2
			n.MaxAge, n.RefreshAfter, n.SuccessThreshold = n.MaxAge/2, n.RefreshAfter/2, 3
		}
	}
	s.name += "+" + variant
}

// begin returns the world of a situation.
func (s *situation) begin(b bounds) *world {
	if b.faults == 0 {
		b.faults = 1 << 30
	}
	w := &world{slots: make([]slot, b.envs*(b.calls+1)), situation: s, left: b, lone: nobody, now: startTime, record: s.record, successes: s.wins}
	for env := range b.envs {
		w.birth(env)
		if n := &w.envs[env]; !s.cold {
			n.record, n.known = &s.record, true
			n.sent = w.clock(env)
			w.touchEnv(env)
		}
		for i := range b.calls {
			w.slots[env*b.calls+i].env = env
		}
		w.slots[w.background(env)] = slot{env: env, phase: over}
	}
	for i := range w.slots {
		w.touchSlot(i)
	}
	return w
}

func exploreSettings() Settings {
	return Settings{
		Name: "c", FailureThreshold: 2, FailureWindow: 2 * time.Second, RecoveryTimeout: time.Second,
		SuccessThreshold: 2, ProbeTimeout: 500 * time.Millisecond, MaxClockSkew: 100 * time.Millisecond,
	}.WithDefaults()
}

// step lets the real code take one, and notes what it decided.
func (w *world) step(i int, f func(*call, event) op, e event) {
	s := &w.slots[i]
	n := &w.envs[s.env]
	// Ids that depend on the call alone make equal what differs only in the
	// order in which calls drew them.
	first := uint64(i)<<20 + s.ids
	n.serial = first
	was := seen{view: n.view, op: s.op, phase: s.phase}
	o := f(&s.call, e)
	s.ids = n.serial - uint64(i)<<20
	w.checkStep(i, was, e, o, first)
	if w.decided != nil {
		*w.decided += o.digest()
	}
	o.notices, o.rejection = nil, nil
	s.op, s.sentAt = o, e.now
	switch o.kind {
	case opAdmit:
		s.phase, s.admitted = calling, s.call.epoch
		s.until = w.now + ms(w.settingsOf(s.env).ProbeTimeout)
		if s.call.probe {
			s.until = max(s.until, w.now+s.call.claim.ProbeLimit)
		}
		if o.backgroundRead {
			w.readBeside(s.env)
		}
	case opReject, opDone:
		w.finish(i)
	case opWait:
		// Its end touches nothing that another step could see.
		w.touchEnv(s.env)
		w.deliver(i, nil)
		return
	default:
		s.phase = sent
	}
	w.touchSlot(i)
	w.touchEnv(s.env)
	w.checkRest(s.env)
	w.checkFast(s.env)
}

func (w *world) readBeside(env int) {
	i := w.background(env)
	w.slots[i] = slot{env: env, ids: w.slots[i].ids}
	w.step(i, w.envs[env].refresh, w.event(&w.slots[i]))
}

// commit performs a call's operation on the item.
func (w *world) commit(s *slot) (Record, bool) {
	w.shared = true
	o, before, after, held := s.op, w.record, w.record, true
	switch o.kind {
	case opAppend:
		after, held = before.Append(o.failure)
	case opPrune:
		after, held = before.Prune(o.epoch, o.ids)
	case opCount:
		after, held = before.Count(o.tally)
	case opChange:
		after, held = before.Apply(*o.change)
	}
	if held && o.kind == opChange {
		s.won = o.change.To.Writer
	}
	s.recorded = s.recorded || held && (o.kind == opAppend || o.kind == opCount && s.verdict == Failed)
	w.checkCommit(s, before, after, held)
	if held {
		w.store(after)
	}
	return after, held
}

func (w *world) store(r Record) {
	if w.left.stale > 0 && hashRecord(r) != hashRecord(w.record) {
		w.older = w.record
	}
	w.record = r
}

var overrides = []OverrideMode{OverrideOpen, OverrideClosed, OverrideDisabled}

// What an operator does.
const (
	deletes    = 0                      // the item
	clears     = 4                      // an override; 1 to 3 set one of overrides
	fromStale  = 5                      // added: decided from the version before
	operatings = clears + fromStale + 1 // all of these
)

// operate lets an operator act.
func (w *world) operate(how int) {
	w.spend(&w.left.operatorActions)
	if how == deletes {
		w.deleted = true
		w.store(missing())
		return
	}
	from, mode := w.record, OverrideMode("")
	if how >= fromStale {
		from, how = w.older, how-fromStale+1
	}
	if how < clears {
		mode = overrides[how-1]
	}
	w.operations++
	o := Override{Mode: mode, By: "operator", Until: time.UnixMilli(w.now + 400)}
	after, held := w.record.Apply(machine{w.settings}.override(from, o, "operator#"+strconv.Itoa(w.operations)))
	if held != (from.Generation == w.record.Generation && from.Writer == w.record.Writer) {
		w.broken(mustFence, "an override decided from generation %d holds on %d: %t", from.Generation, w.record.Generation, held)
	}
	if !held {
		return
	}
	if after.State != w.record.State || after.ProbeUntil != w.record.ProbeUntil {
		w.broken(mustFence, "an override makes %+v of %+v", after, w.record)
	}
	w.successes, w.disabled = 0, w.disabled || mode == OverrideDisabled
	w.store(after)
}
