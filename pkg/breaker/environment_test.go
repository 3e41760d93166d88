package breaker

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// newNode knows r since noon.
func newNode(r Record) *node {
	n := &node{machine: testMachine(), id: "self"}
	n.record, n.known, n.sent, n.answered = r, true, noon, noon
	return n
}

// at is an event of a caller with plenty of time.
func at(now int64) event { return event{now: now, left: 20_000} }

// answered is a reply that was sent at its own time.
func answered(now int64, r Record, held bool) event {
	return event{now: now, left: 20_000, sent: now, authoritative: true, record: r, held: held}
}

func want(t *testing.T, o op, kind opKind) {
	t.Helper()
	if o.kind != kind {
		t.Fatalf("next is %d (%+v), want %d", o.kind, o, kind)
	}
}

func closedRecord() Record {
	return Record{State: Closed, Generation: 4, Epoch: 4, Writer: "w"}
}

func TestAdopt(t *testing.T) {
	known := Record{State: Closed, Generation: 4, Epoch: 4, Writer: "w"}
	gen := func(g int64) Record { return Record{State: Closed, Generation: g, Writer: "x"} }
	for rule, c := range map[string]struct {
		sent          int64
		authoritative bool
		record        Record
		adopted       bool
		stale         bool
	}{
		"a higher generation replaces":                                      {noon - 5, false, gen(5), true, false},
		"the same generation, read later, replaces":                         {noon + 5, false, gen(4), true, false},
		"the same generation, read earlier, does not":                       {noon - 5, false, gen(4), false, false},
		"a lower generation of an eventual read asks for a consistent one":  {noon + 5, false, gen(3), false, true},
		"a lower generation of a consistent read replaces: deleted by hand": {noon + 5, true, gen(0), true, false},
		"a lower generation sent before the higher was known is old":        {noon, true, gen(3), false, false},
		"an old eventual read proves nothing":                               {noon - 5, false, gen(3), false, false},
	} {
		n := newNode(known)
		e := event{now: noon + 10, sent: c.sent, authoritative: c.authoritative, record: c.record}
		if stale := n.adopt(e); stale != c.stale || (n.record.Writer == "x") != c.adopted {
			t.Errorf("%s: stale %v, record %+v", rule, stale, n.record)
		}
	}
	n := &node{machine: testMachine()}
	if n.adopt(event{record: gen(0)}); !n.known {
		t.Error("the first record is adopted")
	}
}

func TestStaleReadIsFollowedByAConsistentOne(t *testing.T) {
	n := newNode(closedRecord())
	var c call
	want(t, n.arrive(&c, at(noon+5_000)), opLoad)
	e := answered(noon+5_010, missing(), true)
	e.authoritative = false
	if o := n.replied(&c, e); o.kind != opLoad || !o.consistent {
		t.Fatalf("next is %+v", o)
	}
	want(t, n.replied(&c, answered(noon+5_020, closedRecord(), true)), opAdmit)
}

func TestClaimLooksWaitsAndLooksAgain(t *testing.T) {
	open := Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", RetryAt: noon}
	n := newNode(open)
	var c, other call
	want(t, n.arrive(&c, at(noon+1)), opLoad)
	o := n.replied(&c, answered(noon+5, open, true))
	if want(t, o, opWait); o.wait < 0 || o.wait > maxClaimWait {
		t.Errorf("waits %d ms", o.wait)
	}
	if o := n.arrive(&other, at(noon+6)); o.kind != opReject {
		t.Errorf("one call of an environment claims at a time: %+v", o)
	}
	o = n.replied(&c, at(noon+200))
	if want(t, o, opLoad); !o.consistent {
		t.Error("the last look is consistent")
	}
	o = n.replied(&c, answered(noon+205, open, true))
	want(t, o, opChange)
	if o.change.To.ProbeUntil != noon+205+ms(n.lease()) {
		t.Errorf("the lease runs from before the claim is sent: %+v", o.change.To)
	}
	want(t, n.replied(&c, answered(noon+210, o.change.To, true)), opAdmit)
	if !c.probe {
		t.Error("no probe")
	}
	if want(t, n.arrive(&other, at(noon+220)), opReject); n.claiming {
		t.Error("the slot was not given back")
	}
}

func TestClaimIsGivenUpWhereItIsOfNoUse(t *testing.T) {
	open := Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", RetryAt: noon}
	closed := Record{State: Closed, Generation: 7, Epoch: 7, Writer: "v"}
	leased := Record{State: HalfOpen, Generation: 6, Epoch: 6, Writer: "v", ProbeOwner: "e", ProbeUntil: noon + 5_000}
	begin := func() (*node, *call) {
		n, c := newNode(open), new(call)
		n.arrive(c, at(noon+1))
		want(t, n.replied(c, answered(noon+5, open, true)), opWait)
		return n, c
	}
	n, c := begin()
	short := at(noon + 200)
	short.left = ms(n.ProbeTimeout)
	want(t, n.replied(c, short), opReject)

	for last, kind := range map[State]opKind{Closed: opAdmit, HalfOpen: opReject} {
		record := map[State]Record{Closed: closed, HalfOpen: leased}[last]
		n, c = begin()
		n.replied(c, at(noon+200))
		if want(t, n.replied(c, answered(noon+205, record, true)), kind); n.claiming {
			t.Errorf("%s: the slot was not given back", last)
		}
		n, c = begin() // the same, seen only by the claim's refusal
		n.replied(c, at(noon+200))
		want(t, n.replied(c, answered(noon+205, open, true)), opChange)
		if want(t, n.replied(c, answered(noon+210, record, false)), kind); n.claiming || c.probe {
			t.Errorf("%s: slot %v, probe %v", last, n.claiming, c.probe)
		}
	}
}

func TestLateClaimIsReleased(t *testing.T) {
	open := Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", RetryAt: noon}
	n, c := newNode(open), new(call)
	n.arrive(c, at(noon+1))
	n.replied(c, answered(noon+5, open, true))
	n.replied(c, at(noon+10))
	claim := n.replied(c, answered(noon+15, open, true)).change
	o := n.replied(c, answered(noon+15+ms(n.StoreTimeout)+1, claim.To, true))
	if want(t, o, opChange); o.change.To.ProbeOwner != "" || o.change.To.State != HalfOpen || len(o.notices) != 1 {
		t.Errorf("a prober past its deadline releases: %+v", o)
	}
	want(t, n.replied(c, answered(noon+400, o.change.To, true)), opReject)
}

func TestFailureIsReportedAgainstAFreshRecord(t *testing.T) {
	failed := Outcome{Verdict: Failed, Reason: "timeout"}
	n := newNode(closedRecord())
	young, old, over := &call{epoch: 4}, &call{epoch: 4}, &call{epoch: 3}
	want(t, n.report(young, failed, at(noon+failingMaxAge)), opAppend)
	want(t, n.report(old, failed, at(noon+failingMaxAge+1)), opLoad)
	opened := Record{State: Open, Generation: 5, Epoch: 5, Writer: "v", RetryAt: noon + 30_000}
	want(t, n.replied(old, answered(noon+110, opened, true)), opDone)
	want(t, newNode(closedRecord()).report(over, failed, at(noon)), opDone)
	want(t, n.report(&call{epoch: 4}, Outcome{Verdict: Neutral}, at(noon)), opDone)
}

func TestRefusedFailureMakesRoomAndIsAddedAgain(t *testing.T) {
	full := closedRecord()
	full.Failures = failuresAt(61_000, 61_000, 61_000, 2, 1)
	n, c := newNode(closedRecord()), &call{epoch: 4}
	n.report(c, Outcome{Verdict: Failed, Reason: "timeout"}, at(noon))
	for range maxConflicts {
		o := n.replied(c, answered(noon+5, full, false))
		if want(t, o, opPrune); len(o.ids) != 3 {
			t.Fatalf("prunes %v", o.ids)
		}
		want(t, n.replied(c, answered(noon+6, full, true)), opAppend)
	}
	want(t, n.replied(c, answered(noon+7, full, false)), opDone)
}

// The item was deleted by hand between the append and the trip.
func TestRefusedTripOfTheSameEpochAddsTheFailureAgain(t *testing.T) {
	n, c := newNode(missing()), &call{}
	o := n.report(c, Outcome{Verdict: Failed, Reason: "timeout"}, at(noon))
	full := Record{State: Closed, Writer: "w", Failures: append(failuresAt(1, 2, 3, 4), o.failure.ID)}
	want(t, n.replied(c, answered(noon+5, full, true)), opChange)
	recreated := Record{State: Closed, Writer: "v", Failures: failuresAt(1)}
	again := n.replied(c, answered(noon+10, recreated, false))
	if want(t, again, opAppend); again.failure.ID != o.failure.ID {
		t.Errorf("added %s, then %s", o.failure.ID, again.failure.ID)
	}
	opened := Record{State: Open, Generation: 1, Epoch: 1, Writer: "v", RetryAt: noon + 30_000}
	want(t, n.replied(c, answered(noon+15, opened, false)), opDone)
}

func TestAClockThatWasSetBackStartsAfresh(t *testing.T) {
	n := newNode(closedRecord())
	o := n.arrive(new(call), at(noon-1))
	if want(t, o, opLoad); !o.consistent {
		t.Error("want a consistent read")
	}
}

func TestOneReadRunsBesideTheCalls(t *testing.T) {
	n := newNode(closedRecord())
	now := noon + ms(n.RefreshAfter) + 1
	first, second, reader := new(call), new(call), new(call)
	if o := n.arrive(first, at(now)); o.kind != opAdmit || !o.backgroundRead {
		t.Errorf("next is %+v", o)
	}
	if o := n.arrive(second, at(now)); o.kind != opAdmit || o.backgroundRead {
		t.Errorf("a second read: %+v", o)
	}
	want(t, n.refresh(reader, at(now)), opLoad)
	want(t, n.replied(reader, answered(now+5, closedRecord(), true)), opDone)
	if o := n.arrive(second, at(now+5+ms(n.RefreshAfter)+1)); !o.backgroundRead {
		t.Errorf("none after the first has ended: %+v", o)
	}
}

// lostAt is an environment that lost its store at noon.
func lostAt(t *testing.T, r Record) *node {
	t.Helper()
	n, c := newNode(r), new(call)
	want(t, n.arrive(c, at(noon+2_000)), opLoad)
	o := n.replied(c, event{now: noon + 2_100, left: 20_000, err: errors.New("away")})
	if want(t, o, opAdmit); !c.local || len(o.notices) != 1 || o.notices[0].storeLost == nil {
		t.Fatalf("call %+v, op %+v", c, o)
	}
	return n
}

func TestOneCallAtATimeTriesALostStore(t *testing.T) {
	n := lostAt(t, closedRecord())
	due := n.storeOutage.retryAt
	want(t, n.arrive(new(call), at(due-1)), opAdmit)
	trier, other := new(call), new(call)
	want(t, n.arrive(trier, at(due)), opLoad)
	if want(t, n.arrive(other, at(due)), opAdmit); !other.local {
		t.Error("others go on locally")
	}
	// The failure of an operation that was under way says nothing new.
	late := &call{stage: appending, epoch: 4}
	n.replied(late, event{now: due + 1, left: 20_000, err: errors.New("away")})
	if n.storeOutage.retryAt != due {
		t.Errorf("until %d, was %d", n.storeOutage.retryAt, due)
	}
	o := n.replied(trier, answered(due+50, closedRecord(), true))
	if want(t, o, opAdmit); trier.local || n.storeOutage.since != 0 || len(o.notices) != 1 || o.notices[0].storeReturned == nil {
		t.Errorf("call %+v, op %+v", trier, o)
	}
}

func TestBackOffDoublesToItsLimit(t *testing.T) {
	n := lostAt(t, closedRecord())
	for i := range 12 {
		now := n.storeOutage.retryAt
		c := new(call)
		n.arrive(c, at(now))
		n.replied(c, event{now: now, left: 20_000, err: errors.New("away"), random: uint64(i) * 7919})
		backOff := min(int64(firstBackOff)<<(i+1), longestBackOff)
		if got := n.storeOutage.retryAt - now; got < backOff*3/4 || got > backOff*5/4 {
			t.Errorf("loss %d is followed by %d ms, want about %d", i+2, got, backOff)
		}
	}
	n.storeOutage.retryAt = noon + time.Hour.Milliseconds()
	if !n.retriesStore(new(call), noon) {
		t.Error("a clock that was set back leaves the store alone for an hour")
	}
}

func TestOutcomesOfAnEarlierTimeAwayAreDropped(t *testing.T) {
	n := lostAt(t, closedRecord())
	admitted := new(call)
	n.arrive(admitted, at(noon+2_200))
	trier := new(call)
	n.arrive(trier, at(n.storeOutage.retryAt))
	n.replied(trier, answered(n.storeOutage.retryAt, closedRecord(), true))
	again := new(call)
	now := noon + 10_000
	n.arrive(again, at(now))
	n.replied(again, event{now: now, left: 20_000, err: errors.New("away")})
	want(t, n.report(admitted, Outcome{Verdict: Failed, Reason: "timeout"}, at(now+10)), opDone)
	if len(n.storeOutage.record.Failures) != 0 {
		t.Errorf("counted in another time away: %+v", n.storeOutage.record)
	}
	want(t, n.report(again, Outcome{Verdict: Failed, Reason: "timeout"}, at(now+20)), opDone)
	if len(n.storeOutage.record.Failures) != 1 {
		t.Errorf("not counted: %+v", n.storeOutage.record)
	}
}

func TestAFleetsProbeIsLeftToItsLeaseWithoutStore(t *testing.T) {
	leased := Record{State: HalfOpen, Generation: 6, Epoch: 6, Writer: "w", ProbeOwner: "self", ProbeUntil: noon + 5_000}
	n, c := newNode(leased), &call{probe: true, epoch: 6, claim: leased}
	want(t, n.report(c, Outcome{}, at(noon+10)), opChange)
	o := n.replied(c, event{now: noon + 110, left: 20_000, err: errors.New("away")})
	if want(t, o, opDone); n.storeOutage.record.ProbeOwner != "self" {
		t.Errorf("the lease runs on: %+v", n.storeOutage.record)
	}
	want(t, n.arrive(new(call), at(noon+200)), opReject)
	probe := new(call)
	want(t, n.arrive(probe, at(noon+5_001)), opLoad) // tries the store again
	if o := n.replied(probe, event{now: noon + 5_100, left: 20_000, err: errors.New("away")}); o.kind != opAdmit || !probe.probe || !probe.local {
		t.Errorf("an environment without store probes on its own after the lease: %+v", o)
	}
}

func TestIDsAreNeverUsedTwice(t *testing.T) {
	n := newNode(closedRecord())
	var ids []string
	for range 5 {
		o := n.report(&call{epoch: 4}, Outcome{Verdict: Failed, Reason: "timeout"}, at(noon))
		ids = append(ids, string(o.failure.ID), o.failure.New)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 10 {
		t.Errorf("ids %v", ids)
	}
}
