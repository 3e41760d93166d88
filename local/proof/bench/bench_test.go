package main

import (
	"testing"
	"time"
)

func TestTurnsDivideByTheCallsMade(t *testing.T) {
	twice := func(n int) (int, time.Duration) { return 2 * n, time.Duration(2*n) * time.Millisecond }
	times := inTurns([]work{twice, repeated(func() {})})
	if len(times) != 2 || len(times[0]) != rounds || len(times[1]) != rounds {
		t.Fatalf("got %d works, want two of %d rounds each", len(times), rounds)
	}
	if ms := times[0][0]; ms != float64(time.Millisecond) {
		t.Errorf("a call took %v ns, want a millisecond", ms)
	}
	if ns := quiet([]float64{9, 3, 5, 7}); ns != 3 {
		t.Errorf("the quietest is %v", ns)
	}
}

func TestWhatAnOutageMayCost(t *testing.T) {
	healthy := make([]float64, 3000)
	waits := func(n int, ms float64) []float64 {
		took := append([]float64(nil), healthy...)
		for i := range n {
			took[i] = ms
		}
		return took
	}
	cases := map[string]struct {
		took []float64
		kept bool
	}{
		"nothing is kept":                              {waits(0, 0), true},
		"one wait in each back-off period is kept":     {waits(8, 101), true},
		"a single long one is the machine's":           {waits(1, 900), true},
		"waits beyond the store's limit are broken":    {waits(8, 300), false},
		"more waits than back-off periods are broken":  {waits(20, 101), false},
		"a tenth of the calls that take ms are broken": {waits(301, 2), false},
	}
	for rule, c := range cases {
		kept := true
		for _, f := range outageFigures("store", true, c.took) {
			kept = kept && f.holds
		}
		if kept != c.kept {
			t.Errorf("%s: kept %t", rule, kept)
		}
	}
}

func TestAFigureThatIsNotJudgedIsNeitherKeptNorBroken(t *testing.T) {
	figures := []figure{atMost("a", "%.0f", 2, 1)}
	notJudged(figures)
	if f := figures[0]; !f.holds || f.value != "2" || f.limit != "at most 1, not judged: store too slow" {
		t.Errorf("got %+v", f)
	}
	for kept, f := range map[string]figure{
		"–": figures[0], "yes": atMost("c", "%.0f", 1, 1), "**no**": atMost("d", "%.0f", 2, 1),
	} {
		if f.kept() != kept {
			t.Errorf("%+v: kept %s, want %s", f, f.kept(), kept)
		}
	}
}

func TestFleetsWithASlowStoreAreLeftOut(t *testing.T) {
	seen := make([]outage, leastFleets+1)
	for i := range seen {
		seen[i] = outage{long: true, failing: 10, probes: 6}
	}
	seen[0].failing, seen[0].probes, seen[0].storeLost = 90, 9, true
	if f := processFigures(seen); f[0].value != "10" || f[2].value != "6" || !f[2].holds {
		t.Errorf("got %+v", f)
	}
	seen[1].storeLost = true
	if f := processFigures(seen); f[2].value != "9" || f[2].kept() != "–" {
		t.Errorf("too few are left: got %+v", f)
	}
}

func TestPeersThatAreComparedOpenAndCount(t *testing.T) {
	for _, p := range peers() {
		s, err := p.counts()
		if err != nil {
			t.Fatal(err)
		}
		for range tripsAt - 1 {
			if err := s.call(errDown); err != errDown {
				t.Errorf("%s: %v before the threshold", p.name, err)
			}
		}
		if err := s.call(nil); err != nil {
			t.Errorf("%s: %v, want it closed below the threshold", p.name, err)
		}
	}
	for _, p := range peers()[:3] { // hystrix-go opens a moment later
		s, err := p.opens()
		if err != nil {
			t.Fatal(err)
		}
		for range tripsAt {
			_ = s.call(errDown)
		}
		if s.call(nil) == nil {
			t.Errorf("%s: closed after %d failures", p.name, tripsAt)
		}
	}
}
