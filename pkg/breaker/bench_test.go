package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

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

func BenchmarkSuccess(b *testing.B) {
	benchmarkAdmission(b, 0, func(br *breaker.Breaker) {
		for b.Loop() {
			_ = call(br, nil)
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

// BenchmarkFailure is a call that fails and leaves the circuit closed, while the
// record fills with failures.
func BenchmarkFailure(b *testing.B) {
	s := settings
	s.FailureThreshold = 100
	for _, failures := range []int{4, 20, 99} {
		b.Run(fmt.Sprintf("first %d", failures), func(b *testing.B) {
			var took time.Duration
			for b.Loop() {
				br, err := breaker.New(breaker.Config{Settings: s, Store: memstore.New()})
				if err != nil {
					b.Fatal(err)
				}
				if err := br.Prime(b.Context()); err != nil {
					b.Fatal(err)
				}
				began := time.Now()
				failTimes(br, failures)
				took += time.Since(began)
			}
			b.ReportMetric(float64(took)/float64(b.N*failures), "ns/failure")
		})
	}
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

func TestRejectionsOfTheSame10MsAllocateNothing(t *testing.T) {
	now := time.Now()
	b := newBreakerWith(t, breaker.Config{Settings: settings, Store: memstore.New(), Now: func() time.Time { return now }}, nil)
	failTimes(b, 5)
	ctx := context.Background()
	for by, reject := range map[string]func() error{
		"Allow": func() error { _, err := b.Allow(ctx); return err },
		"Do":    func() error { return call(b, nil) },
	} {
		now = now.Add(20 * time.Millisecond)
		_ = reject()
		if n := testing.AllocsPerRun(100, func() {
			if err := reject(); !errors.Is(err, breaker.ErrOpen) {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations by %s", n, by)
		}
	}
}

func TestAFailureAllocatesAsOftenWhateverFailedBefore(t *testing.T) {
	const most = 8
	s := settings
	s.FailureThreshold = 100
	b := newBreakerWith(t, breaker.Config{Settings: s, Store: memstore.New()}, nil)
	for _, before := range []int{1, 20, 50} {
		failTimes(b, before)
		if n := testing.AllocsPerRun(5, func() { _ = call(b, errDown) }); n > most {
			t.Errorf("%v allocations after %d more failures, want at most %d", n, before, most)
		}
	}
}

func TestCacheHitDoesNotAllocate(t *testing.T) {
	read := time.Now()
	now := read
	b := newBreakerWith(t, breaker.Config{Settings: settings, Store: memstore.New(), Now: func() time.Time { return now }}, nil)
	ctx := context.Background()
	if err := b.Prime(ctx); err != nil {
		t.Fatal(err)
	}
	succeed := func(context.Context, *breaker.Permit) error { return nil }
	for by, pass := range map[string]func() error{
		"Allow and Done": func() error {
			permit, err := b.Allow(ctx)
			permit.Done(nil)
			return err
		},
		"Do": func() error { return b.Do(ctx, succeed) },
	} {
		for _, age := range []time.Duration{0, time.Millisecond, breaker.DefaultRefreshAfter} {
			now = read.Add(age)
			if n := testing.AllocsPerRun(100, func() {
				if err := pass(); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%v allocations by %s after %s", n, by, age)
			}
		}
	}
}
