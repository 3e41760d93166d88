package breaker

import (
	"testing"
	"time"
)

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

func TestAFailureIsAddedToARecordOfATenthOfASecond(t *testing.T) {
	for now, next := range map[int64]opKind{noon + failingMaxAge: opAppend, noon + failingMaxAge + 1: opLoad} {
		want(t, newNode(closedRecord()).report(&call{epoch: 4}, Outcome{Verdict: Failed}, at(now)), next)
	}
}

func TestAFailureCostsOneWrite(t *testing.T) {
	n, c := newNode(closedRecord()), &call{epoch: 4}
	o := n.report(c, Outcome{Verdict: Failed}, at(noon))
	want(t, o, opAppend)
	stored := closedRecord()
	stored.Failures = []FailureID{o.failure.ID}
	want(t, n.replied(c, answered(noon+5, stored, true)), opDone)
}

func TestAFailureThatDidNotFitMakesRoomAndIsAddedAgain(t *testing.T) {
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
func TestATripInConflictWithTheSameEpochAddsTheFailureAgain(t *testing.T) {
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

func TestAFailureIsAddedAgainFourTimes(t *testing.T) {
	c := new(call)
	for i := range maxConflicts {
		if c.exceeds(maxConflicts) {
			t.Errorf("not for time %d", i+1)
		}
	}
	if !c.exceeds(maxConflicts) {
		t.Error("a fifth time")
	}
}

func TestAFailureThatDidNotFitTrimsNothing(t *testing.T) {
	n, c := newNode(closedRecord()), &call{epoch: 4}
	n.FailureThreshold, n.MinEnvironments = 2, 2
	o := n.report(c, Outcome{Verdict: Failed}, at(noon))
	elsewhere := closedRecord() // it holds the failure already, and more of this environment's than it should
	elsewhere.Failures = []FailureID{o.failure.ID, newFailureID(noon-1, "self", 90)}
	want(t, n.replied(c, answered(noon+5, elsewhere, false)), opDone)
}

func TestANodeMakesRoomByPruningItsOwnFailuresToTheQuota(t *testing.T) {
	n, c := newNode(closedRecord()), &call{epoch: 4}
	n.FailureThreshold, n.MinEnvironments = 5, 2 // quota 4, room 10
	want(t, n.report(c, Outcome{Verdict: Failed}, at(noon)), opAppend)
	full := closedRecord()
	for i := range n.failureCapacity() {
		full.Failures = append(full.Failures, newFailureID(noon-int64(i), "self", uint64(90+i)))
	}
	o := n.replied(c, answered(noon+5, full, false))
	if want(t, o, opPrune); len(o.ids) != 7 {
		t.Errorf("of ten %d go, want 7: three and the new one are the quota", len(o.ids))
	}
}

func TestATripAlwaysInConflictIsGivenUp(t *testing.T) {
	n, c := newNode(closedRecord()), &call{epoch: 4}
	o := n.report(c, Outcome{Verdict: Failed}, at(noon))
	full := closedRecord()
	full.Failures = append(failuresAt(1, 2, 3, 4), o.failure.ID)
	for range maxConflicts {
		want(t, n.replied(c, answered(noon+5, full, true)), opChange)
		want(t, n.replied(c, answered(noon+6, closedRecord(), false)), opAppend)
	}
	want(t, n.replied(c, answered(noon+7, full, true)), opChange)
	want(t, n.replied(c, answered(noon+8, closedRecord(), false)), opDone)
}

// A dependency that asks for a longer pause than the opening's is left alone for as
// long, though the circuit has opened for another reason since the call began.
func TestALongerStopProlongsTheOpening(t *testing.T) {
	open := Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", OpenedAt: noon, RetryAt: noon + 30_000, Reason: "timeout"}
	for rule, c := range map[string]struct {
		record Record
		stop   time.Duration
		until  int64 // 0: nothing is written
	}{
		"a longer stop":                       {open, time.Minute, noon + 61_000},
		"a shorter one changes nothing":       {open, 20 * time.Second, 0},
		"one beyond max_open is cut":          {open, 24 * time.Hour, noon + ms(time.Hour)},
		"nor does one while disabled":         {overridden(open, OverrideDisabled, noon+5_000), time.Minute, 0},
		"a half-open circuit will ask itself": {Record{State: HalfOpen, Generation: 6, Epoch: 6, Writer: "w", OpenedAt: noon}, time.Minute, 0},
	} {
		n := newNode(c.record)
		n.sent = noon + 1_000
		o := n.report(&call{epoch: 4}, Outcome{Verdict: Failed, Reason: "rate_limited", OpenFor: c.stop}, at(noon+1_000))
		if c.until == 0 {
			want(t, o, opDone)
			continue
		}
		if want(t, o, opChange); o.change.To.RetryAt != c.until || o.change.To.State != Open || o.change.To.Epoch != 5 || o.change.To.Reason != "timeout" {
			t.Errorf("%s: %+v", rule, o.change.To)
		}
	}
}
