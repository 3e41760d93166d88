package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/bench/fleet"
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
	return deaths{"dependency dies", "%.2f", 16, 24, 0.7, 1}.figures(seen)
}

func readFirstFigures(seen []outage) []figure {
	return deaths{"read-first, dependency dies", "%.3f", 7, 12, 0.1, 0.2}.figures(seen)
}

// deaths is what is promised of dependencies that die: how many failing calls
// reach them, median and worst, and for how many seconds, median and p95.
type deaths struct {
	what, seconds           string
	calls, worst, span, p95 float64
}

func (d deaths) figures(seen []outage) []figure {
	calls, lasted := lengths(seen)
	return []figure{
		atMost(fmt.Sprintf("%s: failing calls that reach it, median of %d circuits", d.what, len(seen)), "%.0f", median(calls), d.calls),
		atMost(d.what+": failing calls that reach it, worst", "%.0f", slices.Max(calls), d.worst),
		atMost(d.what+": first failure to last failing call, median, s", d.seconds, median(lasted), d.span),
		atMost(d.what+": first failure to last failing call, p95, s", d.seconds, quantile(lasted, 0.95), d.p95),
		measured(d.what+": first failure to last failing call, worst, s", d.seconds, slices.Max(lasted)),
	}
}

func lengths(seen []outage) (calls, lasted []float64) {
	for _, o := range seen {
		calls, lasted = append(calls, float64(len(o.failed))), append(lasted, o.lasted())
	}
	return calls, lasted
}
