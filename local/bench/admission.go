package main

import (
	"context"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// admission compares the healthy path with that of the best known breaker for
// one process, sony/gobreaker v2, in its two-step form that admits and reports
// just as ours does.
func admission(ctx context.Context, _ string) ([]figure, error) {
	ours, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "bench"}, Store: memstore.New()})
	if err != nil {
		return nil, err
	}
	if err := ours.Prime(ctx); err != nil {
		return nil, err
	}
	theirs := gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{Name: "bench"})
	var own, other, ratio []float64
	var allocs int64
	for range 7 {
		a := testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				permit, err := ours.Allow(ctx)
				if err != nil {
					b.Fatal(err)
				}
				permit.Done(nil)
			}
		})
		b := testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				done, err := theirs.Allow()
				if err != nil {
					b.Fatal(err)
				}
				done(nil)
			}
		})
		own, other = append(own, perOp(a)), append(other, perOp(b))
		ratio = append(ratio, perOp(a)/perOp(b))
		allocs = max(allocs, a.AllocsPerOp())
	}
	return []figure{
		measured("coldfuse, ns", "%.1f", median(own)),
		measured("gobreaker v2, ns", "%.1f", median(other)),
		atMost("ratio, median of 7 pairs", "%.2f", median(ratio), 0.8),
		atMost("allocations of coldfuse", "%.0f", float64(allocs), 0),
	}, nil
}

func perOp(r testing.BenchmarkResult) float64 {
	return float64(r.T) / float64(time.Nanosecond) / float64(r.N)
}
