package breaker

import (
	"maps"
	"testing"
)

// TestExploreOrderedGrows takes more and more deviations from one order of
// calls: at each ends are reached that fewer did not reach, and with enough of
// them all that a search of every order reaches.
func TestExploreOrderedGrows(t *testing.T) {
	at := situationNamed("due")
	full := search{situation: at, bounds: bounds{envs: 2, calls: 2, together: true}}
	want := full.ends()
	var before map[uint64]bool
	for deviations := 0; !maps.Equal(before, want); deviations++ {
		s := search{situation: at, bounds: full.bounds}
		s.bounds.ordered, s.bounds.deviations = true, deviations
		ends := s.ends()
		for end := range before {
			if !ends[end] {
				t.Fatalf("%d deviations miss an end that fewer reach", deviations)
			}
		}
		if len(ends) <= len(before) {
			t.Fatalf("%d deviations reach %d ends, as fewer do, of %d", deviations, len(ends), len(want))
		}
		before = ends
	}
}

func TestExploreTable(t *testing.T) {
	r := row{explored: exploration{0, bounds{envs: 3, calls: 2, crashes: 1, losses: 1, ticks: 1}, "brink,due"}.String(), extent: "complete", states: 1_971_095, steps: 957, schedules: 2.6e11}
	const want = "| 3 × 2, crash, lost reply, one stop of the clock, replies apart; brink, due | complete | 1,971,095 | 957 | 2.6 · 10¹¹ | 0.0 |"
	if got := r.String(); got != want {
		t.Errorf("%s\nin place of\n%s", got, want)
	}
}
