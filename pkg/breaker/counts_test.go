package breaker

import (
	"reflect"
	"testing"
)

func TestRecordCount(t *testing.T) {
	closed := Record{State: Closed, Writer: "w", Epoch: 3, Traffic: 60, Counts: []Count{{FailuresOfSixth, 3, 1, 2}, {SuccessesOfSixth, 3, 1, 5}}}
	open := closed
	open.State = Open
	add := Tally{Epoch: 3, Add: []Count{{SuccessesOfSixth, 3, 1, 4}, {SuccessesOfSecond, 3, 9, 4}}}
	for rule, c := range map[string]struct {
		r    Record
		t    Tally
		held bool
		want []Count
	}{
		"counts add up, sorted":         {closed, add, true, []Count{{SuccessesOfSecond, 3, 9, 4}, {FailuresOfSixth, 3, 1, 2}, {SuccessesOfSixth, 3, 1, 9}}},
		"what is gone is removed":       {closed, Tally{Epoch: 3, Add: add.Add, Gone: []Count{{Kind: FailuresOfSixth, Epoch: 3, Bucket: 1}}}, true, []Count{{SuccessesOfSecond, 3, 9, 4}, {SuccessesOfSixth, 3, 1, 9}}},
		"an open circuit takes none":    {open, add, false, open.Counts},
		"nor one of another epoch":      {closed, Tally{Epoch: 4, Add: add.Add}, false, closed.Counts},
		"a missing item is not created": {missing(), Tally{Add: add.Add}, false, nil},
	} {
		before := Record{Counts: append([]Count(nil), c.r.Counts...)}
		got, held := c.r.Count(c.t)
		if held != c.held || !reflect.DeepEqual(got.Counts, c.want) || got.Generation != c.r.Generation {
			t.Errorf("%s: held %t, %+v", rule, held, got.Counts)
		}
		if !reflect.DeepEqual(c.r.Counts, before.Counts) && len(before.Counts) > 0 {
			t.Errorf("%s: the counts of the record before have changed: %+v", rule, c.r.Counts)
		}
	}
	if got, _ := closed.Count(Tally{Epoch: 3, Add: add.Add, Traffic: 90}); got.Traffic != 90 {
		t.Errorf("traffic %d", got.Traffic)
	}
}
