package breaker

import (
	"cmp"
	"slices"
)

// CountKind says what a Count counts.
type CountKind byte

// A window is counted in sixths, and its last seconds one by one. Both counts
// of a kind count the same calls.
const (
	SuccessesOfSixth  CountKind = 's'
	FailuresOfSixth   CountKind = 'f'
	SuccessesOfSecond CountKind = 'S'
	FailuresOfSecond  CountKind = 'F'
)

// bySecond reports whether the kind counts by the second, or else by the sixth of a
// window.
func (k CountKind) bySecond() bool { return k == SuccessesOfSecond || k == FailuresOfSecond }

// failed reports whether the kind counts failures.
func (k CountKind) failed() bool { return k == FailuresOfSixth || k == FailuresOfSecond }

// Count is the number of calls that ended in one interval of time, while the
// circuit was closed in Epoch. Calls are weighted: where one call of w is
// recorded, it counts w. A circuit without a Settings.FailureRate has none.
type Count struct {
	Kind  CountKind
	Epoch int64
	// Bucket is the number of the interval since 1970: of a second, or of a sixth
	// of Settings.FailureWindow.
	Bucket int64
	Calls  int64
}

// Compare orders counts by kind, epoch and interval, as in Record.Counts. It
// returns 0 for two counts of the same, whatever their Calls.
func (c Count) Compare(other Count) int {
	return cmp.Or(cmp.Compare(c.Kind, other.Kind), cmp.Compare(c.Epoch, other.Epoch), cmp.Compare(c.Bucket, other.Bucket))
}

// Tally adds to the counts of a closed circuit.
type Tally struct {
	Epoch   int64   // the epoch that admitted the calls
	Add     []Count // of Epoch; one or two
	Traffic int64   // becomes Record.Traffic; 0 leaves that as it is
	Gone    []Count // removed, whatever their Calls; none of Add
}

// Count returns the record with t added and reports whether the condition held:
// the record exists and is closed in t's epoch. Unlike the other writes, Count is
// not safe to repeat: a lost reply may add t twice.
func (r Record) Count(t Tally) (Record, bool) {
	if !r.Exists() || r.State != Closed || r.Epoch != t.Epoch {
		return r, false
	}
	r.Counts = withCounts(withoutCounts(r.Counts, t.Gone), t.Add)
	if t.Traffic != 0 {
		r.Traffic = t.Traffic
	}
	return r, true
}

// withCounts returns counts, sorted, with those of add added.
func withCounts(counts, add []Count) []Count {
	if len(add) == 0 {
		return counts
	}
	counts = slices.Clone(counts)
	for _, c := range add {
		i, found := slices.BinarySearchFunc(counts, c, Count.Compare)
		if found {
			counts[i].Calls += c.Calls
			continue
		}
		counts = slices.Insert(counts, i, c)
	}
	return counts
}

// withoutCounts returns counts without the buckets of gone.
func withoutCounts(counts, gone []Count) []Count {
	if len(counts) == 0 || len(gone) == 0 {
		return counts
	}
	var kept []Count
	for _, c := range counts {
		if !slices.ContainsFunc(gone, func(g Count) bool { return g.Compare(c) == 0 }) {
			kept = append(kept, c)
		}
	}
	return kept
}
