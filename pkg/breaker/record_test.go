package breaker

import (
	"reflect"
	"testing"
)

func closedIn(epoch int64, ids ...FailureID) Record {
	return Record{State: Closed, Generation: 4, Epoch: epoch, Writer: "w", Failures: ids, LastFailureAt: 1}
}

func TestAppend(t *testing.T) {
	created := Record{State: Closed, Writer: "new", Failures: []FailureID{"9#e#1"}, LastFailureAt: 9}
	grown := closedIn(4, "1#e#1", "9#e#1")
	grown.LastFailureAt = 9
	repeated := closedIn(4, "9#e#1", "2#e#2")
	repeated.LastFailureAt = 9
	open := Record{State: Open, Generation: 4, Epoch: 4, Writer: "w"}
	for rule, c := range map[string]struct {
		r      Record
		epoch  int64
		room   int
		want   Record
		accept bool
	}{
		"the first failure creates the item":                {missing(), 0, 1, created, true},
		"a failure of another epoch does not create it":     {missing(), 4, 5, missing(), false},
		"a failure is added":                                {closedIn(4, "1#e#1"), 4, 2, grown, true},
		"a full set is a conflict":                          {closedIn(4, "1#e#1"), 4, 1, closedIn(4, "1#e#1"), false},
		"more failures than the cap are a conflict":         {closedIn(4, "1#e#1", "2#e#2"), 4, 1, closedIn(4, "1#e#1", "2#e#2"), false},
		"a repetition holds on a full set, and counts once": {closedIn(4, "9#e#1", "2#e#2"), 4, 2, repeated, true},
		"another epoch is a conflict":                       {closedIn(4), 3, 5, closedIn(4), false},
		"an open circuit is a conflict":                     {open, 4, 5, open, false},
	} {
		got, ok := c.r.Append(Failure{ID: "9#e#1", Epoch: c.epoch, Cap: c.room, At: 9, New: "new"})
		if ok != c.accept || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v", rule, got, ok)
		}
	}
}

func TestAppendLeavesOtherCopiesAlone(t *testing.T) {
	shared := make([]FailureID, 1, 8)
	shared[0] = "1#e#1"
	r := closedIn(4, shared...)
	_, _ = r.Append(Failure{ID: "2#e#2", Epoch: 4, Cap: 5})
	if spare := r.Failures[:2][1]; spare != "" {
		t.Errorf("%q was written behind a copy", spare)
	}
}

func TestPrune(t *testing.T) {
	open := Record{State: Open, Generation: 4, Epoch: 4, Writer: "w"}
	for rule, c := range map[string]struct {
		r     Record
		epoch int64
		want  Record
		held  bool
	}{
		"the given failures go, and no others": {closedIn(4, "1#e#1", "2#e#2", "3#e#3"), 4, closedIn(4, "2#e#2"), true},
		"another epoch is a conflict":          {closedIn(4, "1#e#1"), 3, closedIn(4, "1#e#1"), false},
		"an open circuit is a conflict":        {open, 4, open, false},
		"a missing item is a conflict":         {missing(), 0, missing(), false},
	} {
		got, held := c.r.Prune(c.epoch, []FailureID{"1#e#1", "3#e#3", "4#e#4"})
		if held != c.held || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v", rule, got, held)
		}
	}
}

func TestApply(t *testing.T) {
	from := closedIn(4)
	opened := Record{State: Open, Generation: 5, Epoch: 5, Writer: "v", LastFailureAt: 7}
	stillClosed := closedIn(4)
	stillClosed.Generation, stillClosed.Writer = 5, "v"
	grown := closedIn(4, "1#e#1")
	grown.LastFailureAt = 6
	keptFailures := stillClosed
	keptFailures.Failures, keptFailures.LastFailureAt = grown.Failures, 6
	otherWriter, otherGeneration := from, from
	otherWriter.Writer, otherGeneration.Generation = "x", 9
	closing := Record{State: HalfOpen, Generation: 4, Epoch: 4, Writer: "w", LastFailureAt: 1}
	noWriter := from
	noWriter.Writer = ""
	for rule, c := range map[string]struct {
		r      Record
		change Change
		want   Record
		held   bool
	}{
		"a change holds against what it was decided from":        {from, Change{from, opened}, opened, true},
		"it removes the failures if it leaves closed":            {grown, Change{from, opened}, opened, true},
		"it keeps them, and what they wrote, if it stays closed": {grown, Change{from, stillClosed}, keptFailures, true},
		"a circuit closes without failures":                      {closing, Change{closing, stillClosed}, stillClosed, true},
		"another writer is a conflict":                           {otherWriter, Change{from, opened}, otherWriter, false},
		"another generation is a conflict":                       {otherGeneration, Change{from, opened}, otherGeneration, false},
		"a missing item is a conflict for a change of one":       {missing(), Change{from, opened}, missing(), false},
		"an item is a conflict for a change of a missing one":    {from, Change{missing(), opened}, from, false},
		"a change from a missing item creates it":                {missing(), Change{missing(), opened}, opened, true},
		"a repeated change holds":                                {opened, Change{from, opened}, opened, true},
		"existence counts even if generation and writer agree":   {noWriter, Change{Record{Generation: 4, Writer: "w"}, opened}, noWriter, false},
		"a missing item was written by nobody, so not by this":   {noWriter, Change{from, noWriter}, noWriter, false},
	} {
		got, held := c.r.Apply(c.change)
		if held != c.held || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v", rule, got, held)
		}
	}
}

func TestFailureID(t *testing.T) {
	id := newFailureID(1_800_000_000_000, "env", 255)
	if id != "1800000000000#env#ff" || id.At() != 1_800_000_000_000 || id.environment() != "env" {
		t.Errorf("%s: at %d in %q", id, id.At(), id.environment())
	}
	for _, broken := range []FailureID{"", "x#e#1", "1e3#e#1"} {
		if broken.At() != 0 {
			t.Errorf("%q is dated %d, want 0", broken, broken.At())
		}
	}
}
