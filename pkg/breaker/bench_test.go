package breaker_test

import (
	"context"
	"testing"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

func benchmarkAdmission(b *testing.B, failures int, admit func(*breaker.Breaker)) {
	b.Helper()
	br, err := breaker.New(breaker.Config{Settings: settings, Store: memstore.New()})
	if err != nil {
		b.Fatal(err)
	}
	if err := br.Prime(b.Context()); err != nil {
		b.Fatal(err)
	}
	failTimes(br, failures)
	b.ReportAllocs()
	admit(br)
}

func BenchmarkAdmission(b *testing.B) {
	benchmarkAdmission(b, 0, func(br *breaker.Breaker) {
		ctx := context.Background()
		for b.Loop() {
			permit, _ := br.Allow(ctx)
			permit.Done(nil)
		}
	})
}

func BenchmarkAdmissionParallel(b *testing.B) {
	benchmarkAdmission(b, 0, func(br *breaker.Breaker) {
		b.RunParallel(func(pb *testing.PB) {
			ctx := context.Background()
			for pb.Next() {
				permit, _ := br.Allow(ctx)
				permit.Done(nil)
			}
		})
	})
}

func BenchmarkRejection(b *testing.B) {
	benchmarkAdmission(b, 5, func(br *breaker.Breaker) {
		ctx := context.Background()
		for b.Loop() {
			if _, err := br.Allow(ctx); err == nil {
				b.Fatal("admitted")
			}
		}
	})
}
