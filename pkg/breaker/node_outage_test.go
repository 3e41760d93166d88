package breaker

import (
	"testing"
	"time"
)

// newNodeInOutage returns a node whose store outage has just begun.
func newNodeInOutage(t *testing.T, r Record) *node {
	t.Helper()
	n, c := newNode(r), new(call)
	want(t, n.arrive(c, at(noon+2_000)), opLoad)
	o := n.replied(c, event{now: noon + 2_100, left: 20_000, err: errStore})
	if want(t, o, opAdmit); !c.local || len(o.notices) != 1 || o.notices[0].storeLost == nil {
		t.Fatalf("call %+v, op %+v", c, o)
	}
	return n
}

func TestOneCallAtATimeTriesAFailedStore(t *testing.T) {
	n := newNodeInOutage(t, closedRecord())
	due := n.storeOutage.retryAt
	want(t, n.arrive(new(call), at(due-1)), opAdmit)
	trier, other := new(call), new(call)
	want(t, n.arrive(trier, at(due)), opLoad)
	if want(t, n.arrive(other, at(due)), opAdmit); !other.local {
		t.Error("others go on locally")
	}
	// The failure of an operation that was under way says nothing new.
	late := &call{stage: appending, epoch: 4}
	n.replied(late, event{now: due + 1, left: 20_000, err: errStore})
	if n.storeOutage.retryAt != due {
		t.Errorf("until %d, was %d", n.storeOutage.retryAt, due)
	}
	o := n.replied(trier, answered(due+50, closedRecord(), true))
	if want(t, o, opAdmit); trier.local || n.storeOutage.since != 0 || len(o.notices) != 1 || o.notices[0].storeReturned == nil {
		t.Errorf("call %+v, op %+v", trier, o)
	}
}

func TestAFailedStoreIsTriedAgainWhenDueOrWhenTheTimeIsImpossible(t *testing.T) {
	for rule, c := range map[string]struct {
		until int64
		tries bool
	}{
		"before its time it is left alone":                   {noon + 1, false},
		"at its time it is tried":                            {noon, true},
		"a minute is as long as a right clock can name":      {noon + 2*longestBackOff, false},
		"a time beyond that is of a clock that was set back": {noon + 2*longestBackOff + 1, true},
	} {
		n := newNode(closedRecord())
		n.storeOutage = storeOutage{since: noon - 9, retryAt: c.until}
		if got := n.retriesStore(new(call), noon); got != c.tries {
			t.Errorf("%s: tries %v", rule, got)
		}
	}
}

func TestTheFirstBackOffIsHalfASecondGiveOrTakeAQuarter(t *testing.T) {
	for random, want := range map[uint64]int64{0: 375, 125: 500, 250: 625, 251: 375} {
		n := newNode(closedRecord())
		n.storeFailed(&call{}, event{now: noon, random: random, err: errStore})
		if got := n.storeOutage.retryAt - noon; got != want {
			t.Errorf("random %d: %d ms, want %d", random, got, want)
		}
	}
}

func TestBackOffDoublesToItsLimit(t *testing.T) {
	n := newNodeInOutage(t, closedRecord())
	for i := range 12 {
		now := n.storeOutage.retryAt
		c := new(call)
		n.arrive(c, at(now))
		n.replied(c, event{now: now, left: 20_000, err: errStore, random: uint64(i) * 7919})
		backOff := min(int64(firstBackOff)<<(i+1), longestBackOff)
		if got := n.storeOutage.retryAt - now; got < backOff*3/4 || got > backOff*5/4 {
			t.Errorf("failure %d is followed by %d ms, want about %d", i+2, got, backOff)
		}
	}
	n.storeOutage.retryAt = noon + time.Hour.Milliseconds()
	if !n.retriesStore(new(call), noon) {
		t.Error("a clock that was set back leaves the store alone for an hour")
	}
}

func TestTheBackOffBeginsAgainAfterASuccessOfTheKindThatFailed(t *testing.T) {
	for rule, c := range map[string]struct {
		writeFailed bool
		stage       stage
		failures    int
	}{
		"a read after a failed read":     {false, admitting, 0},
		"a write after a failed read":    {false, appending, 0},
		"a read after a failed write":    {true, admitting, 3},
		"a write after a failed write":   {true, appending, 0},
		"a probe's after a failed write": {true, concluding, 0},
		"a report's read after one":      {true, reporting, 3},
	} {
		n := newNode(closedRecord())
		n.storeOutage.failures, n.storeOutage.writeFailed = 3, c.writeFailed
		if n.storeRecovered(&call{stage: c.stage}, at(noon)); int(n.storeOutage.failures) != c.failures {
			t.Errorf("%s: %d failures, want %d", rule, n.storeOutage.failures, c.failures)
		}
	}
}

func TestTheEndOfAStoreOutageReportsItsLength(t *testing.T) {
	n := newNode(closedRecord())
	n.storeFailed(&call{}, event{now: noon, err: errStore})
	c := &call{retriesStore: true}
	n.storeRecovered(c, event{now: noon + 7_000})
	if len(c.notices) != 1 || c.notices[0].storeReturned == nil || *c.notices[0].storeReturned != 7*time.Second {
		t.Errorf("notices %+v", c.notices)
	}
}

func TestACallAdmittedBeforeAStoreOutageReportsToTheLocalRecord(t *testing.T) {
	n, admitted := newNodeInOutage(t, closedRecord()), &call{epoch: 4}
	want(t, n.report(admitted, Outcome{Verdict: Failed, Reason: ReasonTimeout}, at(noon+2_200)), opDone)
	if len(n.storeOutage.record.Failures) != 1 || len(n.record.Failures) != 0 {
		t.Errorf("local %+v, known %+v", n.storeOutage.record, n.record)
	}
}

func TestOutcomesOfAnEarlierStoreOutageAreDropped(t *testing.T) {
	n := newNodeInOutage(t, closedRecord())
	admitted := new(call)
	n.arrive(admitted, at(noon+2_200))
	trier := new(call)
	n.arrive(trier, at(n.storeOutage.retryAt))
	n.replied(trier, answered(n.storeOutage.retryAt, closedRecord(), true))
	again := new(call)
	now := noon + 10_000
	n.arrive(again, at(now))
	n.replied(again, event{now: now, left: 20_000, err: errStore})
	want(t, n.report(admitted, Outcome{Verdict: Failed, Reason: "timeout"}, at(now+10)), opDone)
	if len(n.storeOutage.record.Failures) != 0 {
		t.Errorf("counted in another outage: %+v", n.storeOutage.record)
	}
	want(t, n.report(again, Outcome{Verdict: Failed, Reason: "timeout"}, at(now+20)), opDone)
	if len(n.storeOutage.record.Failures) != 1 {
		t.Errorf("not counted: %+v", n.storeOutage.record)
	}
}

func TestInAStoreOutageTheLeaseOfAFleetsProbeRunsOut(t *testing.T) {
	leased := Record{State: HalfOpen, Generation: 6, Epoch: 6, Writer: "w", ProbeOwner: "self", ProbeUntil: noon + 5_000}
	n, c := newNode(leased), &call{probe: true, epoch: 6, claim: &leased}
	want(t, n.report(c, Outcome{}, at(noon+10)), opChange)
	o := n.replied(c, event{now: noon + 110, left: 20_000, err: errStore})
	if want(t, o, opDone); n.storeOutage.record.ProbeOwner != "self" {
		t.Errorf("the lease runs on: %+v", n.storeOutage.record)
	}
	want(t, n.arrive(new(call), at(noon+200)), opReject)
	probe := new(call)
	want(t, n.arrive(probe, at(noon+5_001)), opLoad) // tries the store again
	if o := n.replied(probe, event{now: noon + 5_100, left: 20_000, err: errStore}); o.kind != opAdmit || !probe.probe || !probe.local {
		t.Errorf("an environment without store probes on its own after the lease: %+v", o)
	}
}

func TestAnOverrideUsesTheStoreInAStoreOutage(t *testing.T) {
	n := newNodeInOutage(t, closedRecord())
	c := new(call)
	trier := new(call)
	want(t, n.arrive(trier, at(n.storeOutage.retryAt)), opLoad)
	o := n.override(c, Override{Mode: OverrideOpen, By: "ops", Until: time.UnixMilli(noon + 60_000)}, at(noon+2_200))
	if want(t, o, opLoad); !o.consistent || !o.attached {
		t.Errorf("reads by %+v", o)
	}
	o = n.replied(c, answered(noon+2_210, closedRecord(), true))
	want(t, o, opChange)
	o = n.replied(c, answered(noon+2_220, o.change.To, true))
	if want(t, o, opDone); o.err != nil || len(o.notices) != 2 || o.notices[0].storeReturned == nil || o.notices[1].transition.Override == nil || !o.notices[1].inHistory {
		t.Errorf("ends with %+v", o)
	}
	if n.record.OverrideMode != OverrideOpen || n.storeOutage.since != 0 {
		t.Errorf("knows %+v", n.view)
	}
	want(t, n.arrive(new(call), at(noon+2_230)), opReject)
	// The call that was trying the store again has nothing left to end.
	o = n.replied(trier, answered(noon+2_240, *n.record, true))
	if want(t, o, opReject); len(o.notices) != 0 {
		t.Errorf("tells %+v", o.notices)
	}
}

func TestAnOverrideThatFailsBeginsNoStoreOutage(t *testing.T) {
	n, c := newNode(closedRecord()), new(call)
	want(t, n.override(c, Override{By: "ops"}, at(noon)), opLoad)
	o := n.replied(c, event{now: noon + 100, err: errStore})
	if want(t, o, opDone); o.err != errStore || n.storeOutage.since != 0 || len(o.notices) != 0 {
		t.Errorf("ends with %+v, outage %+v", o, n.storeOutage)
	}
}
