// Package telemetry writes JSON log lines that carry the invocation's ids. Some
// lines are CloudWatch metrics too (embedded metric format, EMF).
package telemetry

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Setup returns a logger that writes JSON to w, one object a line, with level, RFC
// 3339 timestamp, message, service and stack, and within an invocation requestId
// and traceId. LOG_LEVEL is "debug" or "info"; anything else is info, because a
// higher level would drop the metric lines. METRICS_STACK is the stack's name,
// default "local". The logger becomes slog's default. Lines of package log
// (aws-lambda-go's reports of failed invocations) are written as ERROR.
func Setup(w io.Writer, service string, getenv func(string) string) *slog.Logger {
	lowest := slog.LevelInfo
	if strings.EqualFold(getenv("LOG_LEVEL"), "debug") {
		lowest = slog.LevelDebug
	}
	stack := cmp.Or(getenv("METRICS_STACK"), "local")
	lines := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: lowest, ReplaceAttr: lambdacontext.ReplaceAttr})
	logger := slog.New(&handler{root: lines}).With("service", service, "stack", stack)
	slog.SetLogLoggerLevel(slog.LevelError)
	slog.SetDefault(logger)
	return logger
}

// handler adds the invocation's ids to every line, at the root of the object even
// if a group is open.
type handler struct {
	root  slog.Handler                      // everything before the first WithGroup
	later []func(slog.Handler) slog.Handler // everything from there on
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.root.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	ids := invocation(ctx)
	if len(h.later) == 0 {
		r = r.Clone()
		r.AddAttrs(ids...)
		return h.root.Handle(ctx, r)
	}
	lines := h.root.WithAttrs(ids)
	for _, apply := range h.later {
		lines = apply(lines)
	}
	return lines.Handle(ctx, r)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(h.later) == 0 {
		return &handler{root: h.root.WithAttrs(attrs)}
	}
	return h.with(func(lines slog.Handler) slog.Handler { return lines.WithAttrs(attrs) })
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(func(lines slog.Handler) slog.Handler { return lines.WithGroup(name) })
}

func (h *handler) with(apply func(slog.Handler) slog.Handler) *handler {
	later := append(h.later[:len(h.later):len(h.later)], apply)
	return &handler{root: h.root, later: later}
}

// invocation returns the ids that ctx knows.
func invocation(ctx context.Context) []slog.Attr {
	var ids []slog.Attr
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		ids = append(ids, slog.String("requestId", lc.AwsRequestID))
	}
	if id := traceID(ctx); id != "" {
		ids = append(ids, slog.String("traceId", id))
	}
	return ids
}

// traceID returns the root id of the X-Ray header
// "Root=1-…;Parent=…;Sampled=1" that aws-lambda-go puts into every
// invocation's context. It does not read the environment variable, which is unset
// if one environment serves several requests.
func traceID(ctx context.Context) string {
	header, _ := ctx.Value("x-amzn-trace-id").(string)
	for field := range strings.SplitSeq(header, ";") {
		if root, found := strings.CutPrefix(field, "Root="); found {
			return root
		}
	}
	return ""
}
