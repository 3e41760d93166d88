package telemetry

import (
	"context"
	"log/slog"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
)

// Calls returns the guard's report function. It writes exactly one line per
// guarded call, which is also its metric document. The line has the class of a
// failure, never the error's text, which may be the upstream's.
//
// Metrics: Calls and DurationMs by circuit and by circuit, operation and
// outcome; Failures, Retries (tries after the first) and CircuitOpen (1 for a
// rejected call, else 0) by circuit.
func Calls(logger *slog.Logger) func(context.Context, guard.Call) {
	return func(ctx context.Context, c guard.Call) {
		failed := c.Outcome == guard.Failed || c.Outcome == guard.Panicked
		level := slog.LevelInfo
		if failed {
			level = slog.LevelWarn
		}
		ms := float64(c.Duration.Round(time.Microsecond)) / float64(time.Millisecond)
		attrs := []slog.Attr{
			slog.String("circuit", dimension(c.Circuit)),
			slog.String("operation", dimension(c.Operation)),
			slog.String("outcome", dimension(c.Outcome)),
			slog.Int("attempts", c.Attempts),
			slog.Float64("duration_ms", ms),
			slog.Bool("probe", c.Probe),
			slog.Int("Calls", 1),
			slog.Int("Failures", count(failed)),
			slog.Int("Retries", max(c.Attempts-1, 0)),
			slog.Int("CircuitOpen", count(c.Outcome == guard.Rejected)),
			slog.Float64("DurationMs", ms),
			metrics(callMetrics),
		}
		if c.Reason != "" {
			attrs = append(attrs, slog.String("reason", c.Reason))
		}
		if len(c.Stack) > 0 {
			attrs = append(attrs, slog.String("stack_trace", string(c.Stack)))
		}
		logger.LogAttrs(ctx, level, "Guarded call", attrs...)
	}
}

// CredentialsRejected returns the function that reports that the service behind
// circuit rejected our credentials: one line and the metric CredentialsRejected
// by circuit.
func CredentialsRejected(logger *slog.Logger, circuit string) func(context.Context) {
	return func(ctx context.Context) {
		logger.LogAttrs(ctx, slog.LevelWarn, "Credentials rejected",
			slog.String("circuit", dimension(circuit)),
			slog.Int("CredentialsRejected", 1),
			metrics(credentialsRejectedMetrics))
	}
}

// dimension returns value, or "none" if it is empty: CloudWatch discards a
// document with an empty dimension.
func dimension(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
