package main

import (
	"context"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/bench/fleet"
	"github.com/coldfuse/coldfuse/local/wait"
)

// settling is how long a load goes on until the ages of the members' records
// are spread as they stay.
const settling = 3 * time.Second

// health is what was seen of a circuit in a time in which nothing fails.
type health struct {
	calls []fleet.Call
	use   traffic
}

func (s *site) live(ctx context.Context, rate float64) (h health, err error) {
	stop := s.load(ctx, rate)
	defer stop()
	wait.Pause(ctx, settling)
	began, before := time.Now(), s.traffic()
	wait.Pause(ctx, 20*time.Second)
	return health{s.calls(began, time.Now()), s.traffic().since(before)}, ctx.Err()
}

// cost is what health costs.
type cost struct {
	reads    float64 // a call
	writes   float64
	waiting  float64 // calls that wait for a read, %
	p50, p90 float64 // added to a call, ms
}

func costOf(seen []health) cost {
	var added []float64
	var use traffic
	waited := 0
	for _, h := range seen {
		use.reads, use.writes = use.reads+h.use.reads, use.writes+h.use.writes
		for _, c := range h.calls {
			added = append(added, milliseconds(c.Allow+c.Done))
			if c.Allow > 500*time.Microsecond { // nothing but a read takes so long
				waited++
			}
		}
	}
	n := float64(len(added))
	return cost{
		reads: float64(use.reads) / n, writes: float64(use.writes), waiting: float64(waited) / n * 100,
		p50: median(added), p90: quantile(added, 0.9),
	}
}

// usualFigures promise nothing of reads, and of what waits for them: 2.5 calls
// a second at random, and a read by the first of them after 0.9 s, are
// 1/(1 + 2.5 × 0.9) reads a call.
func usualFigures(seen []health) []figure {
	c := costOf(seen)
	return []figure{
		measured("healthy: reads of the store for a call", "%.2f", c.reads),
		atMost("healthy: writes", "%.0f", c.writes, 0),
		measured("healthy: calls that wait for a read, %", "%.1f", c.waiting),
		atMost("healthy: added to a call, p50, ms", "%.3f", c.p50, 0.03),
		measured("healthy: added to a call, p90, ms", "%.3f", c.p90),
	}
}

func busyFigures(seen []health) []figure {
	c := costOf(seen)
	return []figure{
		atMost("healthy, 100 calls/s: reads of the store for a call", "%.2f", c.reads, 0.2),
		atMost("healthy, 100 calls/s: writes", "%.0f", c.writes, 0),
		atMost("healthy, 100 calls/s: calls that wait for a read, %", "%.1f", c.waiting, 5),
		atMost("healthy, 100 calls/s: added to a call, p50, ms", "%.3f", c.p50, 0.03),
		atMost("healthy, 100 calls/s: added to a call, p90, ms", "%.3f", c.p90, 0.1),
	}
}
