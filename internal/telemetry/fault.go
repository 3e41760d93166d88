package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
)

// Fault returns a function that reports a fault of the program, such as a
// handler's panic: an ERROR line with the stack, and the metric Faults by service.
func Fault(logger *slog.Logger) func(ctx context.Context, value any, stack []byte) {
	return func(ctx context.Context, value any, stack []byte) {
		logger.LogAttrs(ctx, slog.LevelError, "Handler fault",
			slog.String("fault", faultText(value)),
			slog.String("stack_trace", string(stack)),
			slog.Int("Faults", 1),
			metrics(faultMetrics))
	}
}

// faultText returns the runtime's or the program's own words. Any other value,
// such as an error, may hold an upstream's text or worse: of it, only the type.
func faultText(value any) string {
	switch v := value.(type) {
	case runtime.Error:
		return v.Error()
	case string:
		return v
	default:
		return fmt.Sprintf("%T", value)
	}
}
