package stack

import (
	"context"
	"time"
)

// Gauge has the monitor gauge the circuits at each tick until ctx ends, as the
// schedule in template.yaml does each minute. Start does not: what is read and
// logged would depend on how long a test takes.
func (s *Stack) Gauge(ctx context.Context, ticks <-chan time.Time) {
	monitor, ok := s.Functions["ResilienceFunction"]
	if !ok {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			monitor.Invoke(ctx, []byte(`{"coldfuse":"gauge"}`)) // its log tells of a failure
		}
	}
}
