package resilience

import (
	"context"
	"fmt"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Gauge returns a function for a schedule to call. It reads the circuits as the monitor
// does, active overrides included, and reports each. If one cannot be read it reports
// none and returns the error.
func Gauge(report func(context.Context, breaker.Stats), circuits ...Circuit) func(context.Context) error {
	return func(ctx context.Context) error {
		stats, err := read(ctx, circuits)
		if err != nil {
			return fmt.Errorf("circuits not gauged: %w", err)
		}
		for _, s := range stats {
			report(ctx, s)
		}
		return nil
	}
}
