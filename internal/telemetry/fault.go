package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
)

// Fault gives the report of a handler's panic: an ERROR line with the stack
// and the metric Faults by service.
func Fault(logger *slog.Logger) func(ctx context.Context, value any, stack []byte) {
	return func(ctx context.Context, value any, stack []byte) {
		logger.LogAttrs(ctx, slog.LevelError, "Handler panicked",
			slog.String("panic", panicText(value)),
			slog.String("stack_trace", string(stack)),
			slog.Int("Faults", 1),
			metrics(faultMetrics))
	}
}

// panicText tells what the program itself said. Any other value, such as an
// error that a caller panicked with, may hold an upstream's text or worse: only
// its type is told.
func panicText(value any) string {
	switch v := value.(type) {
	case runtime.Error:
		return v.Error()
	case string:
		return v
	default:
		return fmt.Sprintf("%T", value)
	}
}
