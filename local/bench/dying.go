package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coldfuse/coldfuse/local/bench/fleet"
	"github.com/coldfuse/coldfuse/local/wait"
)

// outage is what was seen of a dependency that dies.
type outage struct {
	failed []time.Time // arrivals at the dead dependency before all knew, probes left out
	opened time.Time   // when the first call was rejected
}

// outage lets the dependency die under the usual load.
func (s *site) outage(ctx context.Context) (outage, error) {
	stop := s.load(ctx, usualRate)
	defer stop()
	wait.Pause(ctx, settling)
	return s.die(ctx)
}

// die has the dependency fail until all members know of it.
func (s *site) die(ctx context.Context) (o outage, err error) {
	died := time.Now()
	s.dependency.Set(fleet.Dead)
	err = wait.For(ctx, patience, "a call is rejected", func() bool { return len(s.rejections(died)) > 0 })
	if err != nil {
		return o, fmt.Errorf("%s: %w", s.settings.Name, err)
	}
	o.opened = time.Now()
	wait.Pause(ctx, 1500*time.Millisecond) // longer than a closed record is trusted
	for _, r := range s.dependency.Requests(died, isFailing) {
		o.failed = append(o.failed, r.At)
	}
	return o, ctx.Err()
}

func isFailing(r fleet.Request) bool { return !r.Probe && r.Health == fleet.Dead }

// lasted is how long failing calls kept coming, in s: from the first failure,
// which is the answer to the first of them, to the arrival of the last. It is
// what the simulation measures.
func (o outage) lasted() float64 {
	first := slices.MinFunc(o.failed, time.Time.Compare).Add(latency)
	return slices.MaxFunc(o.failed, time.Time.Compare).Sub(first).Seconds()
}

func dyingFigures(seen []outage) []figure {
	calls, lasted := lengths(seen)
	return []figure{
		atMost(fmt.Sprintf("dependency dies: failing calls that reach it, median of %d circuits", len(seen)), "%.0f", median(calls), 16),
		atMost("dependency dies: failing calls that reach it, worst", "%.0f", slices.Max(calls), 24),
		atMost("dependency dies: first failure to last failing call, median, s", "%.2f", median(lasted), 0.7),
		atMost("dependency dies: first failure to last failing call, p95, s", "%.2f", quantile(lasted, 0.95), 1),
		measured("dependency dies: first failure to last failing call, worst, s", "%.2f", slices.Max(lasted)),
	}
}

func readFirstFigures(seen []outage) []figure {
	calls, lasted := lengths(seen)
	return []figure{
		atMost(fmt.Sprintf("read-first, dependency dies: failing calls that reach it, median of %d circuits", len(seen)), "%.0f", median(calls), 7),
		atMost("read-first, dependency dies: failing calls that reach it, worst", "%.0f", slices.Max(calls), 12),
		atMost("read-first, dependency dies: first failure to last failing call, median, s", "%.3f", median(lasted), 0.1),
		atMost("read-first, dependency dies: first failure to last failing call, p95, s", "%.3f", quantile(lasted, 0.95), 0.2),
		measured("read-first, dependency dies: first failure to last failing call, worst, s", "%.3f", slices.Max(lasted)),
	}
}

func lengths(seen []outage) (calls, lasted []float64) {
	for _, o := range seen {
		calls, lasted = append(calls, float64(len(o.failed))), append(lasted, o.lasted())
	}
	return calls, lasted
}
