package breaker

import (
	"testing"
	"time"
)

// errorsAt has a share of the calls fail, at random: before is the share until
// from, share from then on.
func (s simulation) errorsAt(before float64, from time.Duration, share float64) simulation {
	s.takes = func(f *simFleet, _ *simCall) (time.Duration, bool) {
		failing := before
		if time.Duration(f.now)*time.Microsecond-simBegin >= from {
			failing = share
		}
		return f.healthy * time.Duration(800+f.r.IntN(400)) / 1000, f.r.Float64() < failing
	}
	return s
}

// known puts on record the traffic on record that it has after its first
// failures.
func (s simulation) known() simulation {
	s.begins = Record{Writer: "before", State: Closed, Traffic: int64(s.rps * 60)}
	return s
}

func TestX(t *testing.T) {
	for _, c := range []struct {
		rps    float64
		envs   int
		err    float64
		hint   bool
		rate   float64
		length time.Duration
	}{
		{5, 20, 0.05, true, 0.2, 6 * time.Hour},
		{50, 20, 0.01, true, 0.2, time.Hour},
		{50, 20, 0.05, true, 0.2, time.Hour},
		{50, 20, 0.01, false, 0.2, time.Hour},
		{500, 200, 0.05, true, 0.2, 10 * time.Minute},
		{500, 200, 0.05, false, 0.2, 10 * time.Minute},
		{5000, 2000, 0.05, true, 0.2, time.Minute},
		{5000, 2000, 0.05, false, 0.2, time.Minute},
	} {
		began := time.Now()
		s := simulation{seed: 1, environments: c.envs, rps: c.rps, ends: c.length}
		s.settings.FailureRate = c.rate
		if c.hint {
			s = s.known()
		}
		f := s.errorsAt(c.err, 0, c.err).run()
		t.Logf("%+v: opened %d, rejected %.4f %%, waited %.2f %%, writes/s %.1f, peak %.0f, %+v, reads/s/env %.2f, item %d, %v", c, len(f.openedAt), 100*float64(f.rejected)/float64(f.calls), 100*float64(f.waited)/float64(f.admitted),
			float64(f.store.writes.total())/c.length.Seconds(), simPeak(f.store.usage, 0, c.length).writes, f.store.writes, float64(f.store.reads)/c.length.Seconds()/float64(c.envs), f.store.largest, time.Since(began))
	}
	for _, c := range []struct {
		rps    float64
		envs   int
		before float64
		after  float64
		hint   bool
	}{
		{0.5, 5, 0, 1, true}, {5, 20, 0, 1, true}, {5, 20, 0, 1, false}, {50, 20, 0, 1, true}, {50, 20, 0, 1, false}, {500, 200, 0, 1, true}, {500, 200, 0, 1, false}, {5000, 2000, 0, 1, true}, {5000, 2000, 0, 1, false},
		{50, 20, 0.01, 1, true}, {50, 20, 0.01, 0.5, true}, {500, 200, .01, .3, true}, {5, 20, 0.01, .5, true},
	} {
		var until, reach, peak simSample
		for seed := range uint64(10) {
			s := simulation{seed: seed, environments: c.envs, rps: c.rps}
			s.settings.FailureRate = 0.2
			if c.hint {
				s = s.known()
			}
			s.ends = 2 * time.Minute
			if c.rps > 1000 {
				s.ends = 40 * time.Second
			}
			at := s.ends / 2
			s.opens = func(f *simFleet) { f.after(500_000, func() { f.over = true }) }
			f := s.errorsAt(c.before, at, c.after).run()
			if len(f.openedAt) == 0 || f.openedAt[0] < us(at+simBegin) {
				t.Log("early or never", f.openedAt)
				continue
			}
			until = append(until, simSeconds(f.openedAt[0]-us(at+simBegin)))
			reach = append(reach, float64(f.failed))
			peak = append(peak, simPeak(f.store.usage, 0, time.Hour).writes)
		}
		t.Logf("%+v: until %v reach %v peak %v", c, until, reach, peak)
	}
}
