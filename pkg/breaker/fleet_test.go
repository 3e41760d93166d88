package breaker

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

var (
	fleetRuns = flag.Int("fleet.runs", 3000, "random schedules of a small fleet to run")
	fleetSeed = flag.Uint64("fleet.seed", 0, "run only this schedule, printing it")
)

// TestFleetKeepsItsInvariants runs the pure environments of a small fleet
// against one record under random schedules: every operation of every call is
// a step that may be delayed, answered with an older record, answered after a
// commit with an error, or never answered because its environment dies. Now
// and then an override is set or cleared, and a failure says how long to stop.
// In every fourth schedule the item is also deleted by hand, in every third
// openings grow, and in every fifth two environments are needed to open.
func TestFleetKeepsItsInvariants(t *testing.T) {
	if *fleetSeed != 0 {
		f := newFleet(t, *fleetSeed)
		f.trace = true
		f.run()
		return
	}
	var total fleetCounts
	for seed := range uint64(*fleetRuns) {
		f := newFleet(t, seed+1)
		f.run()
		total.add(f.counts)
		if t.Failed() {
			t.Fatalf("replay with -fleet.seed=%d", seed+1)
		}
	}
	t.Logf("%+v", total)
	// A schedule that never opens or closes a circuit would prove nothing.
	if total.opened == 0 || total.closed == 0 || total.reopened == 0 || total.crashes == 0 || total.lostReplies == 0 ||
		total.staleReads == 0 || total.stops == 0 || total.overrides == 0 || total.overProbes == 0 || total.trims == 0 {
		t.Errorf("some event never happened: %+v", total)
	}
}

type fleetCounts struct {
	steps, opened, reopened, closed, probes, rejected, crashes, lostReplies, staleReads, local, deleted int

	stops, overrides, trims int
	overProbes              int // overrides that were laid over a running probe
}

func (a *fleetCounts) add(b fleetCounts) {
	a.steps += b.steps
	a.opened += b.opened
	a.reopened += b.reopened
	a.closed += b.closed
	a.probes += b.probes
	a.rejected += b.rejected
	a.crashes += b.crashes
	a.lostReplies += b.lostReplies
	a.staleReads += b.staleReads
	a.local += b.local
	a.deleted += b.deleted
	a.stops += b.stops
	a.overrides += b.overrides
	a.overProbes += b.overProbes
	a.trims += b.trims
}

// fleetCall is a call in flight: an operation under way, or the protected
// call itself.
type fleetCall struct {
	*call
	env      *node
	op       op
	sent     int64
	calling  bool // at the dependency
	admitted int64
	deadline int64
}

type fleet struct {
	t       *testing.T
	r       *rand.Rand
	now     int64
	record  Record
	history []Record // for stale reads
	envs    []*node
	calls   []*fleetCall
	healthy bool
	born    int
	deletes bool
	rules   machine
	trace   bool
	counts  fleetCounts

	announced map[int64]int       // transitions by generation
	writers   map[string]struct{} // every (generation, writer) is one write's
}

func newFleet(t *testing.T, seed uint64) *fleet {
	f := &fleet{
		t: t, r: rand.New(rand.NewPCG(seed, 1)), now: 1_000_000, record: missing(), healthy: true,
		deletes: seed%4 == 0, announced: map[int64]int{}, writers: map[string]struct{}{},
	}
	f.rules.Settings = Settings{
		Name: "c", FailureThreshold: 3, FailureWindow: 10 * time.Second, RecoveryTimeout: 2 * time.Second,
		SuccessThreshold: 2, ProbeTimeout: 500 * time.Millisecond, MaxClockSkew: 100 * time.Millisecond, MaxOpen: 20 * time.Second,
	}.WithDefaults()
	if seed%3 == 0 {
		f.rules.OpenBackOff = 2
	}
	if seed%5 == 0 {
		f.rules.MinEnvironments = 2
	}
	f.history = []Record{f.record}
	for range 2 + f.r.IntN(3) {
		f.envs = append(f.envs, f.birth())
	}
	return f
}

func (f *fleet) birth() *node {
	f.born++
	e := &node{machine: f.rules, id: fmt.Sprintf("e%d", f.born)}
	e.record = missing()
	return e
}

func (f *fleet) run() {
	for range 400 {
		f.counts.steps++
		f.now += int64(f.r.IntN(60))
		switch x := f.r.IntN(100); {
		case x < 25 && len(f.calls) < 8:
			f.arrive(f.envs[f.r.IntN(len(f.envs))])
		case x < 27:
			f.healthy = !f.healthy
		case x < 28:
			f.crash(f.r.IntN(len(f.envs)))
		case x < 29:
			f.now += int64(f.r.IntN(3000))
		case x < 30 && f.deletes:
			f.counts.deleted++
			f.record = missing()
		case x < 32:
			f.override()
		default:
			if len(f.calls) > 0 {
				f.advance(f.r.IntN(len(f.calls)))
			}
		}
		if f.t.Failed() {
			return
		}
	}
	f.recovers()
}

// override sets or clears an override, deciding now and then from a record that
// is no longer the latest.
func (f *fleet) override() {
	from := f.history[max(0, len(f.history)-1-f.r.IntN(2))]
	var o Override
	if f.r.IntN(4) > 0 {
		mode := []OverrideMode{OverrideOpen, OverrideClosed, OverrideDisabled}[f.r.IntN(3)]
		o = Override{Mode: mode, By: "ops", Until: time.UnixMilli(f.now + int64(f.r.IntN(3000)))}
	}
	f.born++
	before := f.record
	if _, held := f.commit(op{kind: opChange, change: f.rules.override(from, o, fmt.Sprintf("o%d", f.born))}); !held {
		return
	}
	f.counts.overrides++
	if before.State == HalfOpen && before.ProbeOwner != "" && f.now <= before.ProbeUntil {
		f.counts.overProbes++
	}
	want := before
	want.Generation, want.Writer, want.Successes = f.record.Generation, f.record.Writer, 0
	want.OverrideMode, want.OverrideBy, want.OverrideUntil = f.record.OverrideMode, f.record.OverrideBy, f.record.OverrideUntil
	if !reflect.DeepEqual(f.record, want) {
		f.t.Errorf("an override made %+v of %+v", f.record, before)
	}
}

// obeys checks what an override that the environment knows of forbids.
func (f *fleet) obeys(c *fleetCall, o op) {
	if c.local {
		return
	}
	_, mode := c.env.effectiveState(c.env.record, f.now)
	switch {
	case mode == OverrideOpen && o.kind == opAdmit,
		mode == OverrideDisabled && o.kind == opAppend,
		o.kind == opChange && c.stage == tripping && c.env.disabled(o.change.From, f.now),
		mode != "" && o.kind == opChange && c.stage == claiming,
		mode != "" && mode != OverrideOpen && o.kind == opReject:
		f.t.Errorf("override to %s: %d at stage %d of %+v", mode, o.kind, c.stage, c.call)
	}
}

// recovers checks that, whatever happened, a healthy dependency's circuit
// closes once calls are made.
func (f *fleet) recovers() {
	f.healthy = true
	for range 3000 {
		if f.record.State == Closed && len(f.calls) == 0 {
			return
		}
		f.now += 40
		if len(f.calls) == 0 {
			f.arrive(f.envs[f.r.IntN(len(f.envs))])
			continue
		}
		f.advanceWell(f.r.IntN(len(f.calls)))
	}
	f.t.Errorf("a healthy dependency's circuit never closed: %+v", f.record)
}

// event is at a caller who mostly has the time for a probe.
func (f *fleet) event() event {
	e := event{now: f.now, random: f.r.Uint64(), left: 20_000}
	if e.random%8 == 0 {
		e.left = 300
	}
	return e
}

func (f *fleet) arrive(env *node) {
	c := &fleetCall{call: &call{}, env: env}
	f.calls = append(f.calls, c)
	f.took(c, env.arrive(c.call, f.event()))
}

// took notes what a step decided, and ends calls that are over.
func (f *fleet) took(c *fleetCall, o op) {
	f.observe(c, o)
	f.tripped(c, o)
	f.obeys(c, o)
	if o.kind == opPrune && c.stage == trimming {
		f.counts.trims++
	}
	c.op, c.sent = o, f.now
	switch o.kind {
	case opAdmit:
		c.calling, c.admitted = true, f.now
		c.deadline = f.now + ms(c.env.ProbeTimeout)
		if c.local {
			f.counts.local++
		}
		if c.probe && !c.local {
			f.counts.probes++
			c.deadline = min(c.deadline, c.env.probeDeadline(c.claim))
			f.onlyProbe(c)
		}
	case opReject:
		f.counts.rejected++
		f.end(c)
	case opDone:
		f.end(c)
	}
	if f.trace {
		f.t.Logf("%d %s %+v: %d probe=%v local=%v; record %+v", f.now, c.env.id, c.stage, o.kind, c.probe, c.local, f.record)
	}
}

func (f *fleet) end(c *fleetCall) {
	for i, other := range f.calls {
		if other == c {
			f.calls = append(f.calls[:i], f.calls[i+1:]...)
			return
		}
	}
}

// onlyProbe checks that no other fleet probe can be at the dependency: none
// that still runs within its deadline.
func (f *fleet) onlyProbe(c *fleetCall) {
	for _, other := range f.calls {
		if other != c && other.calling && other.probe && !other.local && f.now < other.deadline {
			f.t.Errorf("two probes at once: %+v and %+v", other.call, c.call)
		}
	}
}

func (f *fleet) observe(c *fleetCall, o op) {
	for _, n := range o.notices {
		if n.transition == nil || n.transition.Local {
			continue
		}
		tr := *n.transition
		if f.announced[tr.Generation]++; f.announced[tr.Generation] > 1 && !f.deletes {
			f.t.Errorf("generation %d announced twice", tr.Generation)
		}
	}
}

// tripped checks that who decides to open a circuit knows of enough failures of
// its epoch inside the window, or of one that says how long to stop. By the time that the change is written, a slow
// environment's failures may have been pruned.
func (f *fleet) tripped(c *fleetCall, o op) {
	if o.kind != opChange || o.change.From.State != Closed {
		return
	}
	from := o.change.From
	live := c.env.failuresInWindow(from, f.now)
	if !slices.Contains(from.Failures, c.failure) {
		live++
	}
	enough := c.outcome.OpenFor > 0 || live >= 3 &&
		(c.local || c.env.environmentsInWindow(from, c.failure, f.now) >= f.rules.MinEnvironments)
	if !enough || from.Epoch != c.epoch {
		f.t.Errorf("%d failures of epoch %d open %+v", live, c.epoch, from)
	}
}

func (f *fleet) advance(i int) {
	c := f.calls[i]
	switch {
	case c.calling && f.r.IntN(4) > 0 && f.now < c.deadline:
		// Still at the dependency.
	case c.calling:
		f.report(c)
	case f.r.IntN(25) == 0:
		f.fail(c)
	default:
		f.reply(c, true)
	}
}

func (f *fleet) advanceWell(i int) {
	if c := f.calls[i]; c.calling {
		f.report(c)
	} else {
		f.reply(c, false)
	}
}

func (f *fleet) report(c *fleetCall) {
	o := Outcome{Verdict: Succeeded}
	if !f.healthy {
		o = Outcome{Verdict: Failed, Reason: "error"}
		if f.r.IntN(8) == 0 {
			f.counts.stops++
			o = Outcome{Verdict: Failed, Reason: "rate_limited", OpenFor: msDuration(int64(f.r.IntN(8000)))}
		}
	}
	c.calling = false
	late := c.probe && f.now > c.claim.ProbeUntil
	f.took(c, c.env.report(c.call, o, f.event()))
	if to := c.op.change.To; late && o.Verdict == Succeeded && to.Successes > c.claim.Successes {
		f.t.Errorf("a success after the lease counted: %+v", c.call)
	}
}

// fail loses an operation, before or after it was committed.
func (f *fleet) fail(c *fleetCall) {
	e := f.event()
	if c.op.kind == opWait {
		f.took(c, c.env.replied(c.call, e))
		return
	}
	if f.r.IntN(2) == 0 {
		f.counts.lostReplies++
		f.commit(c.op)
	}
	e.sent, e.err = c.sent, errors.New("lost")
	f.took(c, c.env.replied(c.call, e))
}

func (f *fleet) reply(c *fleetCall, faults bool) {
	e := f.event()
	e.sent, e.authoritative = c.sent, true
	switch {
	case c.op.kind == opWait:
	case c.op.kind == opLoad && !c.op.consistent:
		e.authoritative, e.record = false, f.record
		if faults && f.r.IntN(4) == 0 {
			f.counts.staleReads++
			e.record = f.history[max(0, len(f.history)-1-f.r.IntN(4))]
		}
	default:
		e.record, e.held = f.commit(c.op)
		if c.op.kind != opLoad && faults && f.r.IntN(10) == 0 {
			e.record, e.held = f.commit(c.op) // the reply was lost and the SDK sent it again
		}
	}
	f.took(c, c.env.replied(c.call, e))
}

// commit performs an operation on the fleet's record, checking what changed.
func (f *fleet) commit(o op) (Record, bool) {
	before, after, held := f.record, f.record, true
	switch o.kind {
	case opAppend:
		after, held = before.Append(o.failure)
		if held && (before.State != Closed || o.failure.Epoch != before.Epoch || len(after.Failures) > f.rules.failureCapacity()) {
			f.t.Errorf("a failure of epoch %d was counted in %+v", o.failure.Epoch, before)
		}
	case opPrune:
		after, held = before.Prune(o.epoch, o.ids)
	case opChange:
		after, held = before.Apply(o.change)
		f.fenced(before, o.change, held)
	}
	f.changed(before, after)
	f.record = after
	f.history = append(f.history, after)
	return after, held
}

// fenced checks that a change held only against the record it came from.
func (f *fleet) fenced(before Record, c Change, held bool) {
	repeated := before.Writer == c.To.Writer
	if held && !repeated && (before.Generation != c.From.Generation || before.Writer != c.From.Writer) {
		f.t.Errorf("a change from %+v held on %+v", c.From, before)
	}
}

func (f *fleet) changed(before, after Record) {
	if after.Generation < before.Generation {
		f.t.Errorf("generation fell from %d to %d", before.Generation, after.Generation)
	}
	if after.Generation == before.Generation {
		return
	}
	key := fmt.Sprint(after.Generation, after.Writer)
	if _, twice := f.writers[key]; twice {
		f.t.Errorf("generation and writer %s written twice", key)
	}
	f.writers[key] = struct{}{}
	if after.OpenedAt != before.OpenedAt && after.State == Open && after.RetryAt-after.OpenedAt > ms(f.rules.MaxOpen) {
		f.t.Errorf("opened for longer than allowed: %+v", after)
	}
	switch {
	case before.State == after.State && before.Epoch == after.Epoch:
		// A lease, or an override.
	case before.State == Closed && after.State == Open:
		f.counts.opened++
		if stopped := after.Reason == "rate_limited"; f.rules.MinEnvironments == 1 && !stopped && after.TrippedBy != 3 {
			f.t.Errorf("opened by %d failures: %+v", after.TrippedBy, before)
		}
	case before.State == HalfOpen && after.State == Open:
		f.counts.reopened++
	case after.State == Closed:
		f.counts.closed++
		if before.State != HalfOpen || before.Successes != 1 {
			f.t.Errorf("closed from %+v", before)
		}
	case before.State == Closed || before.State == Open && after.State != HalfOpen:
		f.t.Errorf("%s became %s", before.State, after.State)
	}
}

func (f *fleet) crash(i int) {
	f.counts.crashes++
	dead := f.envs[i]
	kept := f.calls[:0:0]
	for _, c := range f.calls {
		if c.env != dead {
			kept = append(kept, c)
		} else if !c.calling && c.op.kind.onStore() && f.r.IntN(2) == 0 {
			f.commit(c.op) // it had been sent
		}
	}
	f.calls = kept
	f.envs[i] = f.birth()
}
