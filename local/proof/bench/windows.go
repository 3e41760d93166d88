package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/bench/fleet"
	"github.com/coldfuse/coldfuse/local/wait"
)

// windows is what was seen of a circuit in six recovery times of a dead
// dependency, and after it was healed.
type windows struct {
	probes, writes int
	closing        time.Duration // from the first good probe to the last rejected call
}

func (s *site) windows(ctx context.Context) (w windows, err error) {
	stop := s.load(ctx, usualRate)
	defer stop()
	wait.Pause(ctx, settling)
	o, err := s.die(ctx)
	if err != nil {
		return w, err
	}
	before := s.traffic()
	// Each window is longer by the wait before a claim; a seventh has not ended.
	wait.Pause(ctx, time.Until(o.opened.Add(6*recovery+2*time.Second)))
	w.probes, w.writes = len(s.dependency.Requests(o.opened, isProbe)), s.traffic().since(before).writes
	good, last, err := s.heal(ctx)
	w.closing = last.Sub(good)
	return w, err
}

// heal returns the time of the first good probe of a healed dependency, and of
// the last rejected call.
func (s *site) heal(ctx context.Context) (good, last time.Time, err error) {
	healed := time.Now()
	s.dependency.Set(fleet.Healthy)
	probe, err := s.await(ctx, "a good probe", healed, isGoodProbe)
	if err != nil {
		return good, last, err
	}
	if _, err := s.await(ctx, "the circuit closes", healed, isOrdinary); err != nil {
		return good, last, err
	}
	wait.Pause(ctx, 3*time.Second) // all know of it
	for _, c := range s.rejections(healed) {
		if c.At.After(last) {
			last = c.At
		}
	}
	return probe.At, last, ctx.Err()
}

func windowFigures(seen []windows) []figure {
	var probes, writes, closing []float64
	for _, w := range seen {
		probes, writes = append(probes, float64(w.probes)), append(writes, float64(w.writes))
		closing = append(closing, w.closing.Seconds())
	}
	return []figure{
		atMost(fmt.Sprintf("six dead recovery times of 5 s: probes, worst of %d circuits", len(seen)), "%.0f", slices.Max(probes), 6),
		atMost("six dead recovery times of 5 s: writes, worst", "%.0f", slices.Max(writes), 16),
		atMost("healed: last rejected call after the first good probe, worst, s", "%.2f", slices.Max(closing), 0.4),
	}
}

// slowly heals the dependency as soon as the circuit has opened, under a load of
// few calls, and gives how long after it the last call was rejected.
func (s *site) slowly(ctx context.Context) (time.Duration, error) {
	stop := s.load(ctx, slowRate)
	defer stop()
	died := time.Now()
	s.dependency.Set(fleet.Dead)
	err := wait.For(ctx, patience, "a call is rejected", func() bool { return len(s.rejections(died)) > 0 })
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.settings.Name, err)
	}
	healed := time.Now()
	_, last, err := s.heal(ctx)
	return last.Sub(healed), err
}

func slowFigures(seen []time.Duration) []figure {
	name := fmt.Sprintf("5 calls/s, healed as soon as open: to the last rejected call, worst of %d circuits, s", len(seen))
	return []figure{atMost(name, "%.1f", slices.Max(seen).Seconds(), 6)}
}
