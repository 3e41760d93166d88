package breaker

import (
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// simulation is a fleet, its traffic and what befalls it. Times count from the
// beginning of the traffic, before which the environments are born.
type simulation struct {
	seed         uint64
	environments int
	rps          float64 // as a Poisson process, each call to a random free environment
	settings     Settings
	healthy      time.Duration // what a call takes at the healthy dependency; default 20 ms
	failing      time.Duration // and at the dead one; default 20 ms
	dies, heals  time.Duration // 0: never
	ends         time.Duration
	tries        int // of one call, 100 ms and more apart; default 1

	begins  Record     // on record at first; zero: missing
	unequal bool       // a few environments have most of the calls
	freezes bool       // one call of a hundred takes 3 s more
	trouble simTrouble // of the store, from dies on or, without a death, from the beginning
	limited bool       // the item gives no more than its units
	alone   bool       // without a store from birth on: a breaker in each environment's memory
	copies  int        // of the item
	lost    int        // of the copies
	patient bool       // half-open records are read again less often the longer the round lasts

	plan   func(*simFleet)                                        // puts down what else is to happen
	opens  func(*simFleet)                                        // is told of each opening
	probed func(*simFleet, *simCall)                              // and of each probe
	takes  func(*simFleet, *simCall) (d time.Duration, dead bool) // decides on a try instead of dies and heals
}

const (
	simBirths = 5 * time.Second
	simBegin  = 8 * time.Second   // when traffic begins
	simEpoch  = 1_700_000_000_000 // what the clocks show at first, ms
)

// simFleet is a simulation under way, and what was measured.
type simFleet struct {
	simulation
	simAgenda
	store *simStore
	r     *rand.Rand
	free  []*simEnvironment
	born  int

	calls, admitted, rejected    int
	waited                       int     // admitted calls that waited for the store
	added                        []int64 // µs each admitted call waited for it, in admission and report
	failed                       int     // calls that reached the dead dependency, probes aside
	firstFailed                  int64   // when the first of them ended
	lastFailed                   int64   // when the last of them began
	probing, probes, mostProbing int
	probesAlone                  int // by environments without a store
	probedAt                     []int64
	goodProbe                    int64 // when the first successful probe ended
	lastRejected                 int64
	openedAt, closedAt           []int64
	retryAt                      int64 // of the last opening, in µs
}

// simEnvironment serves one call at a time.
type simEnvironment struct {
	node
	number int
	skew   int64 // µs by which its clock is wrong
	dead   bool
}

type simCall struct {
	*call
	env        *simEnvironment
	sent       int64        // when the operation under way was, by the environment's clock in ms
	asked      int64        // and by the simulation's in µs
	stored     int64        // µs spent waiting for the store
	then       func(opKind) // what its end means, where it is not a call of the fleet's
	tries      int
	background bool // a read runs in the background of the call
	ended      bool // and the call waits for it
}

func (s simulation) run() *simFleet {
	f := &simFleet{simulation: s, r: rand.New(rand.NewPCG(s.seed, 7))}
	f.settings.Name = "c"
	f.settings = f.settings.WithDefaults()
	setDefault(&f.healthy, 20*time.Millisecond)
	setDefault(&f.failing, 20*time.Millisecond)
	setDefault(&f.tries, 1)
	f.store = &simStore{simAgenda: &f.simAgenda, r: f.r, record: s.first(), limited: s.limited, lost: s.lost, changed: f.changed}
	if s.alone {
		f.store.trouble = simRefuses
	}
	for range s.copies {
		f.store.copies = append(f.store.copies, simCopy{record: missing()})
	}
	for range s.environments {
		f.after(f.r.Int64N(us(simBirths)), f.birth)
	}
	if s.trouble != simFine {
		f.at(s.dies, func() { f.store.trouble = s.trouble })
	}
	if s.rps > 0 {
		f.at(0, f.traffic)
	}
	if s.plan != nil {
		s.plan(f)
	}
	f.runUntil(us(simBegin + s.ends))
	return f
}

func (s simulation) first() Record {
	if s.begins.State == "" {
		return missing()
	}
	return s.begins
}

// at is when traffic has been on for a time.
func (f *simFleet) at(since time.Duration, do func()) { f.after(us(simBegin+since)-f.now, do) }

// burst spreads calls over a time from now on.
func (f *simFleet) burst(calls int, within time.Duration) {
	for range calls {
		f.after(f.r.Int64N(us(within)), f.arrive)
	}
}

// birth starts an environment, which reads the record before its first call.
func (f *simFleet) birth() {
	f.born++
	env := &simEnvironment{
		node:   node{machine: machine{f.settings}, id: fmt.Sprintf("e%012d", f.born)},
		number: f.born, skew: int64(f.r.IntN(20_000)) - 10_000,
	}
	env.record = &withoutItem
	f.aside(env, env.prime, func(opKind) { f.free = append(f.free, env) })
}

func (f *simFleet) traffic() {
	f.arrive()
	f.after(int64(f.r.ExpFloat64()/f.rps*1e6), f.traffic)
}

// arrive sends a call to a random environment that is free, as Lambda may. If
// none is, the call is throttled and reaches nothing.
func (f *simFleet) arrive() {
	f.calls++
	if len(f.free) == 0 {
		return
	}
	i, last := f.pick(), len(f.free)-1
	env := f.free[i]
	f.free[i] = f.free[last]
	f.free = f.free[:last]
	c := &simCall{call: &call{}, env: env}
	f.took(c, f.begin(env, c.call))
}

// pick returns the index of a free environment: of any or, in an unequal fleet, of
// the eldest of four.
func (f *simFleet) pick() int {
	i := f.r.IntN(len(f.free))
	if f.unequal {
		for range 3 {
			if j := f.r.IntN(len(f.free)); f.free[j].number < f.free[i].number {
				i = j
			}
		}
	}
	return i
}

// begin is arrive of the real environment. A patient one takes a half-open
// record for fresh until it is half as old as its lease was when it was read:
// to the code under test it then looks as if it had just been read.
func (f *simFleet) begin(env *simEnvironment, c *call) op {
	e := f.event(env)
	sent, leased := env.sent, env.record.ProbeUntil-ms(env.lease())
	if !f.patient || env.record.State != HalfOpen || e.now-sent > min((sent-leased)/2, openMaxAge) {
		return env.arrive(c, e)
	}
	env.sent = e.now
	o := env.arrive(c, e)
	if env.sent == e.now {
		env.sent = sent
	}
	return o
}

func (f *simFleet) event(env *simEnvironment) event {
	return event{now: simEpoch + (f.now+env.skew)/1000, random: f.r.Uint64(), left: 2*ms(f.settings.ProbeTimeout) + 1000}
}

// took does what a step said.
func (f *simFleet) took(c *simCall, o op) {
	switch {
	case o.kind == opWait:
		f.after(o.wait*1000, func() { f.replied(c, event{}) })
	case o.kind.onStore():
		c.sent, c.asked = f.event(c.env).now, f.now
		f.store.perform(o, c.env.number, func(e event) {
			c.stored += f.now - c.asked
			f.replied(c, e)
		})
	case c.then != nil:
		c.then(o.kind)
	case o.kind == opAdmit:
		f.admit(c, o.backgroundRead)
	case o.kind == opReject:
		f.rejected++
		f.lastRejected = f.now
		f.leave(c)
	default:
		f.leave(c)
	}
}

// aside runs what an environment does in addition to the fleet's calls.
func (f *simFleet) aside(env *simEnvironment, begin func(*call, event) op, then func(opKind)) {
	c := &simCall{call: &call{}, env: env, then: then}
	f.took(c, begin(c.call, f.event(env)))
}

func (f *simFleet) replied(c *simCall, e event) {
	if c.env.dead {
		return
	}
	now := f.event(c.env)
	e.now, e.random, e.left, e.sent = now.now, now.random, now.left, c.sent
	f.took(c, c.env.replied(c.call, e))
}

// admit counts an admitted call and makes its first try.
func (f *simFleet) admit(c *simCall, beside bool) {
	f.admitted++
	if c.stored > 0 {
		f.waited++
	}
	if beside {
		c.background = true
		f.aside(c.env, c.env.refresh, func(opKind) {
			c.background = false
			if c.ended {
				f.leave(c)
			}
		})
	}
	switch {
	case c.probe && c.local:
		f.probesAlone++
	case c.probe:
		f.probe(c)
	}
	f.try(c)
}

func (f *simFleet) probe(c *simCall) {
	f.probes++
	f.probing++
	f.mostProbing = max(f.mostProbing, f.probing)
	f.probedAt = append(f.probedAt, f.now)
	if f.probed != nil {
		f.probed(f, c)
	}
}

// try is the call at the dependency.
func (f *simFleet) try(c *simCall) {
	c.tries++
	takes, dead := f.dependency(c)
	if f.freezes && f.r.IntN(100) == 0 {
		takes += 3 * time.Second
	}
	if dead && (!c.probe || c.local) {
		f.failed++
		f.lastFailed = f.now
	}
	f.after(us(takes), func() { f.tried(c, dead) })
}

// dependency is what befalls a try that begins now.
func (f *simFleet) dependency(c *simCall) (takes time.Duration, dead bool) {
	if f.takes != nil {
		return f.takes(f, c)
	}
	since := time.Duration(f.now)*time.Microsecond - simBegin
	if f.dies != 0 && since >= f.dies && (f.heals == 0 || since < f.heals) {
		return min(f.failing, f.settings.ProbeTimeout), true
	}
	return f.healthy * time.Duration(800+f.r.IntN(400)) / 1000, false
}

func (f *simFleet) tried(c *simCall, failed bool) {
	if c.env.dead {
		return
	}
	o := Outcome{Verdict: Succeeded}
	if failed {
		o = Outcome{Verdict: Failed, Reason: "error"}
		if f.firstFailed == 0 {
			f.firstFailed = f.now
		}
	}
	switch {
	case c.probe && !c.local:
		f.probing--
		if !failed && f.goodProbe == 0 {
			f.goodProbe = f.now
		}
	case failed && c.tries < f.tries:
		f.after(100_000<<(c.tries-1), func() { f.triesAgain(c, o) })
		return
	}
	f.report(c, o)
}

func (f *simFleet) triesAgain(c *simCall, last Outcome) {
	f.aside(c.env, c.env.check, func(k opKind) {
		if k == opAdmit {
			f.try(c)
			return
		}
		f.report(c, last)
	})
}

func (f *simFleet) report(c *simCall, o Outcome) {
	if c.env.dead {
		return
	}
	f.took(c, c.env.report(c.call, o, f.event(c.env)))
}

// leave frees the call's environment, once the background read has ended.
func (f *simFleet) leave(c *simCall) {
	c.ended = true
	if c.env.dead || c.background {
		return
	}
	if c.tries > 0 {
		f.added = append(f.added, c.stored)
	}
	f.free = append(f.free, c.env)
}

// kill ends an environment, as SIGKILL does, with whatever it was doing, and
// starts another in its place.
func (f *simFleet) kill(env *simEnvironment) {
	env.dead = true
	f.birth()
}

func (f *simFleet) changed(before, after Record) {
	switch {
	case after.State == Open:
		f.openedAt, f.retryAt = append(f.openedAt, f.now), (after.RetryAt-simEpoch)*1000
		if f.opens != nil {
			f.opens(f)
		}
	case after.State == Closed && before.State != Closed:
		f.closedAt = append(f.closedAt, f.now)
	}
}

// simAgenda is what is still to happen in a simulation, by time. What falls on
// one time happens in the order in which it was put down, so that a seed gives
// one run and no other.
type simAgenda struct {
	now    int64 // µs since the simulation began
	serial int
	queue  simQueue
	over   bool
}

func (a *simAgenda) after(us int64, do func()) {
	a.serial++
	heap.Push(&a.queue, simAppointment{a.now + us, a.serial, do})
}

func (a *simAgenda) runUntil(end int64) {
	for len(a.queue) > 0 && !a.over && a.queue[0].when <= end {
		next := heap.Pop(&a.queue).(simAppointment)
		a.now = next.when
		next.do()
	}
}

type simAppointment struct {
	when   int64
	serial int
	do     func()
}

type simQueue []simAppointment

func (q simQueue) Len() int      { return len(q) }
func (q simQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q simQueue) Less(i, j int) bool {
	return q[i].when < q[j].when || q[i].when == q[j].when && q[i].serial < q[j].serial
}
func (q *simQueue) Push(x any) { *q = append(*q, x.(simAppointment)) }
func (q *simQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func us(d time.Duration) int64 { return d.Microseconds() }

var (
	simulateWrite = flag.Bool("simulate.write", false, "simulate everything, up to 50,000 environments, and write docs/simulation")
	simulateSmall = flag.Int("simulate.seeds", 10, "seeds of each simulation of a small fleet")
	simulateLarge = flag.Int("simulate.large", 3, "seeds of each simulation of 1,000 environments and more")
)

// TestSimulate holds the deployed code against the targets of a fleet, in a
// simulation: see docs/simulation.
func TestSimulate(t *testing.T) {
	if *simulateWrite {
		writeSimulation(t, max(*simulateSmall, 40), max(*simulateLarge, 5))
		return
	}
	for _, target := range simSmallTargets {
		target(*simulateSmall).check(t)
	}
	for _, target := range simScaleTargets {
		target(*simulateSmall, *simulateLarge).check(t)
	}
}

func TestSimulateSameSeedSameRun(t *testing.T) {
	run := func(seed uint64) string {
		s := twenty()
		s.seed, s.dies, s.heals = seed, 5*time.Second, 15*time.Second
		f := s.run()
		return fmt.Sprint(f.calls, f.added, f.probedAt, f.openedAt, f.closedAt, f.store.past, f.store.usage)
	}
	first := run(1)
	if again := run(1); again != first {
		t.Error("one seed gave two runs")
	}
	if run(2) == first {
		t.Error("two seeds gave one run")
	}
}
