package breaker

import (
	"testing"
	"time"
)

// countingNode knows a closed record of a circuit with a rate.
func countingNode(r Record) *node {
	n := newNode(r)
	n.FailureRate = 0.2
	return n
}

// reports takes the outcome of a call that a record's epoch admitted.
func reports(n *node, v Verdict, e event) (*call, op) {
	c := &call{epoch: n.record.Epoch}
	return c, n.report(c, Outcome{Verdict: v, Reason: "error"}, e)
}

func failingRecord(ages ...int64) Record {
	r := closedRecord()
	r.Failures = failuresAt(ages...)
	return r
}

func TestSuccessesAreCountedWhileThereIsAFailure(t *testing.T) {
	known := failingRecord(10_000)
	known.Traffic = 60
	override := overridden(known, OverrideClosed, noon+1000)
	for rule, c := range map[string]struct {
		r      Record
		change func(*node, *event)
		want   opKind
	}{
		"none while there is no failure":          {closedRecord(), nil, opDone},
		"none once the failure has left":          {failingRecord(60_001), nil, opDone},
		"with a failure in the window each":       {known, nil, opCount},
		"under an override that closes, too":      {override, nil, opCount},
		"none while the circuit is disabled":      {overridden(known, OverrideDisabled, noon+1000), nil, opDone},
		"none without a rate":                     {known, func(n *node, _ *event) { n.FailureRate = 0 }, opDone},
		"none of a call that another epoch began": {known, func(n *node, _ *event) { n.record.Epoch++ }, opDone},
		"of a busy fleet only what is drawn": {known, func(n *node, e *event) {
			n.record.Failures, n.record.Traffic, e.random = failuresAt(1_000), 60_000, 1<<63
		}, opDone},
	} {
		n := countingNode(c.r)
		call, e := &call{epoch: c.r.Epoch}, at(noon)
		if c.change != nil {
			c.change(n, &e)
		}
		if o := n.report(call, Outcome{}, e); o.kind != c.want {
			t.Errorf("%s: %+v", rule, o)
		}
	}
}

// A count carries what makes it one call: the weight it was drawn at.
func TestACountHasItsWeight(t *testing.T) {
	r := failingRecord(10_000)
	gone := []Count{{SuccessesOfSixth, 3, 1, 9}, {SuccessesOfSecond, 4, noon/second - 30, 2}}
	r.Counts = withCounts(gone, ratedMachine().countsAt(noon-1_000, 4, 1_000, false))
	n := countingNode(r)
	c, o := reports(n, Succeeded, at(noon))
	want(t, o, opCount)
	if c.weight < 2 || len(o.tally.Add) != 2 || o.tally.Add[0].Calls != c.weight || o.tally.Add[1].Calls != c.weight {
		t.Errorf("weight %d: %+v", c.weight, o.tally)
	}
	if len(o.tally.Gone) != 2 {
		t.Errorf("gone: %+v", o.tally.Gone)
	}
	if o.tally.Traffic == 0 {
		t.Error("counting is 10 s old and its traffic not put on record")
	}
	want(t, n.replied(c, answered(noon, r, true)), opDone)
}

func TestAFailureThatDoesNotFitIsCounted(t *testing.T) {
	full := failingRecord(10_000, 20_000, 30_000, 40_000, 50_000)
	full.Counts = ratedMachine().countsAt(noon-15_000, full.Epoch, 900, false)
	n := countingNode(full)
	c, o := reports(n, Failed, at(noon))
	want(t, o, opCount)
	if o.tally.Add[0].Kind != FailuresOfSixth || o.tally.Add[0].Calls != 1 {
		t.Errorf("%+v", o.tally)
	}
	after, _ := full.Count(o.tally)
	want(t, n.replied(c, answered(noon, after, true)), opDone)

	n = countingNode(failingRecord(10_000)) // has room by what is known
	c, o = reports(n, Failed, at(noon))
	want(t, o, opAppend)
	o = n.replied(c, answered(noon, full, false))
	want(t, o, opCount)
	if o.tally.Add[0].Calls != 1 || o.tally.Add[0].Kind != FailuresOfSixth {
		t.Errorf("%+v", o.tally)
	}
}

// What was counted already is judged again after a conflict, and not counted again.
func TestACountedFailureIsCountedOnce(t *testing.T) {
	full := failingRecord(10_000, 20_000, 30_000, 40_000, 50_000)
	n := countingNode(full)
	c, o := reports(n, Failed, at(noon))
	want(t, o, opCount)
	after, _ := full.Count(o.tally)
	o = n.replied(c, answered(noon, after, true))
	want(t, o, opChange)
	overridden := machine{n.Settings}.override(after, Override{Mode: OverrideClosed, Until: time.UnixMilli(noon + 1000)}, "o").To
	overridden.Failures, overridden.Counts = after.Failures, after.Counts
	want(t, n.replied(c, answered(noon, overridden, false)), opChange)
}

func TestAFailureStandsForThoseNotDrawn(t *testing.T) {
	r := failingRecord(10_000)
	r.Traffic, r.Counts = 300_000, ratedMachine().countsAt(noon-1_000, 4, 40_000, false)
	n := countingNode(r)
	if _, o := reports(n, Failed, event{now: noon, left: 20_000, random: 1 << 63}); o.kind != opDone {
		t.Errorf("not drawn, and %+v", o)
	}
	c, o := reports(n, Failed, at(noon))
	want(t, o, opAppend)
	if more := o.failure.More; c.weight < 2 || len(more) != 2 || more[0].Calls != c.weight-1 || more[0].Kind != FailuresOfSixth || more[1].Kind != FailuresOfSecond {
		t.Errorf("weight %d: %+v", c.weight, o.failure)
	}
}

// During a store outage every call of the environment counts, and no others do: its
// own bucket decides.
func TestLocalCallsFollowTheOwnBucket(t *testing.T) {
	full := failingRecord(10_000, 20_000, 30_000, 40_000, 50_000) // by the fleet
	full.Counts = ratedMachine().countsAt(noon-15_000, full.Epoch, 900, false)
	for rule, c := range map[string]struct {
		outcomes string // of calls: f failed, s succeeded
		opens    bool
	}{
		"four failures leave it closed":             {"ffff", false},
		"the fifth opens":                           {"fffff", true},
		"four successes make up for one":            {"ffffssssf", false},
		"three do for three quarters":               {"ffffsssf", false},
		"and not for two":                           {"ffffsssff", true},
		"earlier successes are worth no more":       {"ssssssssssssfffff", true},
		"one failure in five stays closed for ever": {"fssssfssssfssssfssssfssssfssssfssssfssss", false},
	} {
		n := countingNode(full)
		first, o := reports(n, Succeeded, at(noon))
		want(t, o, opCount)
		want(t, n.replied(first, event{now: noon, left: 20_000, err: errStore}), opDone)
		opened := false
		for _, outcome := range c.outcomes {
			c := new(call)
			if o := n.arrive(c, at(noon+1)); o.kind == opReject {
				opened = true
				break
			}
			verdict := map[rune]Verdict{'f': Failed, 's': Succeeded}[outcome]
			want(t, n.report(c, Outcome{Verdict: verdict, Reason: "error"}, at(noon+1)), opDone)
		}
		if got := opened || n.storeOutage.record.State == Open; got != c.opens {
			t.Errorf("%s: opened %t, bucket %+v", rule, got, n.own)
		}
	}
}
