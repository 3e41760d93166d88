package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Observer returns the breaker's observer. A transition of the fleet's circuit
// is one line, "Circuit breaker 'jira_api' OPENED" (or HALF_OPEN, CLOSED),
// written once in the fleet, with the metrics CircuitTransitions by circuit
// and state, and CircuitState (0 closed, 1 half-open, 2 open) by circuit. The
// beginning and the end of a store outage are a line and a metric each, by
// circuit. Rejections have no line here: the call's own line reports them.
func Observer(logger *slog.Logger) breaker.Observer {
	return breaker.Observer{
		Transition: func(ctx context.Context, t breaker.Transition) { transition(ctx, logger, t) },
		Overridden: func(ctx context.Context, t breaker.Transition) { overridden(ctx, logger, t) },
		ProbeCut: func(ctx context.Context, circuit string, next time.Duration) {
			logger.LogAttrs(ctx, slog.LevelWarn, "Probe failed when its time was up, the next may take longer",
				slog.String("circuit", circuit), slog.Int64("next_ms", next.Milliseconds()))
		},
		StoreLost: func(ctx context.Context, circuit string, err error) {
			logger.LogAttrs(ctx, slog.LevelWarn, "Circuit store unreachable, deciding locally",
				slog.String("circuit", circuit),
				slog.String("error", err.Error()),
				slog.Int("StoreLost", 1),
				metrics(storeLostMetrics))
		},
		StoreReturned: func(ctx context.Context, circuit string, away time.Duration) {
			logger.LogAttrs(ctx, slog.LevelInfo, "Circuit store reachable again",
				slog.String("circuit", circuit),
				slog.Int64("away_ms", away.Milliseconds()),
				slog.Int("StoreReturned", 1),
				metrics(storeReturnedMetrics))
		},
		HistoryFailed: func(ctx context.Context, circuit string, err error) {
			logger.LogAttrs(ctx, slog.LevelWarn, "Circuit history lacks an entry",
				slog.String("circuit", circuit), slog.String("error", err.Error()))
		},
	}
}

// overridden logs an operator's action, in the environment that performed it.
func overridden(ctx context.Context, logger *slog.Logger, t breaker.Transition) {
	verb := "OVERRIDDEN"
	attrs := []slog.Attr{
		slog.String("circuit", t.Circuit),
		slog.String("mode", string(t.Override.Mode)),
		slog.String("by", t.Override.By),
		slog.String("why", t.Override.Why),
		slog.Time("until", t.Override.Until.UTC()),
		slog.Int64("generation", t.Generation),
	}
	if t.Cleared {
		verb = "OVERRIDE_CLEARED"
		attrs = append(attrs, slog.String("cleared_by", t.ClearedBy))
	}
	logger.LogAttrs(ctx, slog.LevelWarn, fmt.Sprintf("Circuit breaker '%s' %s", t.Circuit, verb), attrs...)
}

func transition(ctx context.Context, logger *slog.Logger, t breaker.Transition) {
	level, verb := slog.LevelInfo, "CLOSED"
	switch t.To {
	case breaker.Open:
		level, verb = slog.LevelWarn, "OPENED"
	case breaker.HalfOpen:
		verb = "HALF_OPEN"
	}
	attrs := []slog.Attr{
		slog.String("circuit", t.Circuit),
		slog.String("from", string(t.From)),
		slog.String("to", string(t.To)),
		slog.Int64("generation", t.Generation),
	}
	if t.To == breaker.Open {
		attrs = append(attrs, slog.String("reason", t.Reason), slog.Time("retry_at", t.RetryAt.UTC()))
	}
	if t.Local {
		// A search for the fleet's line must not find this one.
		logger.LogAttrs(ctx, level, fmt.Sprintf("Store away: circuit breaker '%s' %s in this environment only", t.Circuit, verb), attrs...)
		return
	}
	attrs = append(attrs,
		slog.String("state", string(t.To)), // the dimension; "to" is for people
		slog.Int("CircuitTransitions", 1),
		slog.Int("CircuitState", number(t.To)),
		metrics(transitionMetrics))
	logger.LogAttrs(ctx, level, fmt.Sprintf("Circuit breaker '%s' %s", t.Circuit, verb), attrs...)
}

// Gauge returns the function that reports a circuit's present state: one line
// with the metrics CircuitState, as for transitions but with an override's
// effect, CircuitOverridden (1 while an override is active, else 0),
// CircuitFailureRate and CircuitCalls (breaker.Stats.FailureRate in per cent, and
// Calls) by circuit.
func Gauge(logger *slog.Logger) func(context.Context, breaker.Stats) {
	return func(ctx context.Context, s breaker.Stats) {
		// A search for transitions must not find this line.
		logger.LogAttrs(ctx, slog.LevelInfo, "Gauged circuit",
			slog.String("circuit", s.Name),
			slog.String("state", string(s.State)),
			slog.Int("CircuitState", number(s.State)),
			slog.Int("CircuitOverridden", count(s.Override != nil)),
			slog.Float64("CircuitFailureRate", math.Round(1e4*s.FailureRate)/100),
			slog.Int("CircuitCalls", s.Calls),
			metrics(gaugeMetrics))
	}
}

// number returns a state's value in the metric CircuitState.
func number(s breaker.State) int {
	switch s {
	case breaker.Open:
		return 2
	case breaker.HalfOpen:
		return 1
	default:
		return 0
	}
}
