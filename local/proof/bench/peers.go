package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/afex/hystrix-go/hystrix"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/sony/gobreaker/v2"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// tripsAt failures open every breaker that is compared, and nothing closes it
// again while it is measured.
const tripsAt = 5

var errDown = errors.New("the dependency is down")

// subject is one circuit breaker, closed at first.
type subject struct {
	admit func()            // asks to make a call and reports its success; nil: there is no such pair
	call  func(error) error // makes a call that ends with the error, and returns the breaker's result
}

// peer is a kind of circuit breaker.
type peer struct {
	name   string
	opens  func() (subject, error) // a subject that tripsAt failures open
	counts func() (subject, error) // one that takes tripsAt-1 failures and stays closed
}

func peers() []peer {
	return []peer{
		{"coldfuse", newColdfuse, newColdfuse},
		{"gobreaker v2", newGobreaker, newGobreaker},
		{"failsafe-go", newFailsafe, newFailsafe},
		// Its commands are the process's for ever: one takes all failures.
		{"hystrix-go", func() (subject, error) { return newHystrix("opens", tripsAt) },
			func() (subject, error) { return newHystrix("counts", math.MaxInt32) }},
	}
}

// newColdfuse returns a breaker on a store in memory. The cost of the fleet's
// record is measured elsewhere, because no peer has one.
func newColdfuse() (subject, error) {
	ctx := context.Background()
	b, err := breaker.New(breaker.Config{
		Settings: breaker.Settings{Name: "bench", FailureThreshold: tripsAt, RecoveryTimeout: time.Hour}, Store: memstore.New(),
	})
	if err != nil {
		return subject{}, err
	}
	return subject{
		admit: func() {
			permit, _ := b.Allow(ctx)
			permit.Done(nil)
		},
		call: func(err error) error {
			return b.Do(ctx, func(context.Context, *breaker.Permit) error { return err })
		},
	}, b.Prime(ctx)
}

func newGobreaker() (subject, error) {
	settings := gobreaker.Settings{
		Name: "bench", Timeout: time.Hour, ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripsAt },
	}
	steps, b := gobreaker.NewTwoStepCircuitBreaker[any](settings), gobreaker.NewCircuitBreaker[any](settings)
	return subject{
		admit: func() {
			done, _ := steps.Allow()
			done(nil)
		},
		call: func(err error) error {
			_, err = b.Execute(func() (any, error) { return nil, err })
			return err
		},
	}, nil
}

func newFailsafe() (subject, error) {
	b := circuitbreaker.NewBuilder[any]().WithFailureThreshold(tripsAt).WithDelay(time.Hour).Build()
	executor := failsafe.With(b)
	return subject{
		admit: func() {
			if b.TryAcquirePermit() {
				b.RecordSuccess()
			}
		},
		call: func(err error) error { return executor.Run(func() error { return err }) },
	}, nil
}

func newHystrix(name string, volume int) (subject, error) {
	hystrix.ConfigureCommand(name, hystrix.CommandConfig{
		Timeout: 60_000, RequestVolumeThreshold: volume, ErrorPercentThreshold: 1, SleepWindow: 3_600_000,
	})
	ctx := context.Background()
	return subject{call: func(err error) error {
		return hystrix.DoC(ctx, name, func(context.Context) error { return err }, nil)
	}}, nil
}

// sideBySide compares the breakers in one process, each by its quietest rounds.
// coldfuse records failures in memory here; deployed, each is one write to the
// table.
func sideBySide(context.Context, string) ([]figure, error) {
	var figures []figure
	for _, compare := range []func([]peer) ([]figure, error){admissions, successes, rejections, failures, parallel, memory} {
		compared, err := compare(peers())
		if err != nil {
			return nil, err
		}
		figures = append(figures, compared...)
	}
	return figures, nil
}

// admissions measures asking and reporting as two steps, which hystrix-go does
// not have.
func admissions(all []peer) ([]figure, error) {
	figures, times, err := compare("admission and success, two steps", all[:3], func(p peer) (func(), error) {
		s, err := p.counts()
		return s.admit, err
	})
	if err != nil {
		return nil, err
	}
	s, err := newColdfuse()
	return append(figures,
		atMost("admission: coldfuse over gobreaker v2", "%.2f", quiet(times[0])/quiet(times[1]), 0.8),
		atMost("admission: allocations of coldfuse", "%.0f", testing.AllocsPerRun(1000, s.admit), 0),
	), err
}

func successes(all []peer) ([]figure, error) {
	figures, times, err := compare("call that succeeds", all, func(p peer) (func(), error) {
		s, err := p.counts()
		return func() { _ = s.call(nil) }, err
	})
	if err != nil {
		return nil, err
	}
	s, err := newColdfuse()
	return append(figures,
		atMost("call that succeeds: coldfuse over gobreaker v2", "%.2f", quiet(times[0])/quiet(times[1]), 0.8),
		atMost("call that succeeds: allocations of coldfuse", "%.0f", testing.AllocsPerRun(1000, func() { _ = s.call(nil) }), 0),
	), err
}

func rejections(all []peer) ([]figure, error) {
	figures, times, err := compare("call that is rejected", all, func(p peer) (func(), error) {
		s, err := p.opens()
		if err != nil {
			return nil, err
		}
		// hystrix-go counts failures in another goroutine, later.
		for began := time.Now(); s.call(nil) == nil; {
			if time.Since(began) > 10*time.Second {
				return nil, fmt.Errorf("%s does not open", p.name)
			}
			for range tripsAt {
				_ = s.call(errDown)
			}
		}
		return func() { _ = s.call(nil) }, nil
	})
	if err != nil {
		return nil, err
	}
	s, err := newColdfuse()
	if err != nil {
		return nil, err
	}
	for range tripsAt {
		_ = s.call(errDown)
	}
	return append(figures,
		atMost("call that is rejected: coldfuse over gobreaker v2", "%.2f", quiet(times[0])/quiet(times[1]), 2),
		atMost("call that is rejected: allocations of coldfuse", "%.0f", testing.AllocsPerRun(1000, func() { _ = s.call(nil) }), 0),
	), nil
}

// failures measures calls whose failures a breaker counts without opening.
func failures(all []peer) ([]figure, error) {
	works := make([]work, len(all))
	for i, p := range all {
		works[i] = func(n int) (calls int, took time.Duration) {
			for ; calls < n; calls += tripsAt - 1 {
				s, _ := p.counts()
				began := time.Now()
				for range tripsAt - 1 {
					_ = s.call(errDown)
				}
				took += time.Since(began)
			}
			return calls, took
		}
	}
	var figures []figure
	for i, times := range inTurns(works) {
		figures = append(figures, measured("call that fails, "+all[i].name, "%s", nanoseconds(quiet(times))))
	}
	return figures, nil
}

// parallel measures admissions on two CPUs, by as many goroutines and by more.
func parallel(all []peer) ([]figure, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var figures []figure
	for _, c := range []struct {
		name       string
		goroutines int
		limit      float64
	}{{"two at once", 2, 2}, {"64 at once", 64, 0.8}} {
		works := make([]work, len(all))
		for i, p := range all {
			s, err := p.counts()
			if err != nil {
				return nil, err
			}
			if s.admit == nil {
				s.admit = func() { _ = s.call(nil) }
			}
			works[i] = atOnce(c.goroutines, s.admit)
		}
		times := inTurns(works)
		for i, p := range all {
			figures = append(figures, measured("admission, "+c.name+" on 2 CPUs, "+p.name, "%s", nanoseconds(quiet(times[i]))))
		}
		figures = append(figures,
			atMost(c.name+": coldfuse over gobreaker v2", "%.2f", quiet(times[0])/quiet(times[1]), c.limit))
	}
	return figures, nil
}

// memory measures what one of many coldfuse breakers takes, whose circuits are
// closed and without failures: without its name and its store.
func memory([]peer) ([]figure, error) {
	const circuits = 10_000
	store, names := memstore.New(), make([]string, circuits)
	for i := range names {
		names[i] = fmt.Sprintf("bench-%d", i)
	}
	all := make([]*breaker.Breaker, circuits)
	before := heap()
	for i, name := range names {
		b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: name}, Store: store})
		if err != nil {
			return nil, err
		}
		if err := b.Prime(context.Background()); err != nil {
			return nil, err
		}
		all[i] = b
	}
	bytes := float64(heap()-before) / circuits
	runtime.KeepAlive(all)
	runtime.KeepAlive(names)
	return []figure{atMost("memory of a circuit, of 10,000, bytes", "%.0f", bytes, 450)}, nil
}

// heap returns the bytes in use, after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// compare measures the same call of all peers in turns.
func compare(what string, all []peer, prepare func(peer) (func(), error)) ([]figure, [][]float64, error) {
	calls, works := make([]func(), len(all)), make([]work, len(all))
	for i, p := range all {
		call, err := prepare(p)
		if err != nil {
			return nil, nil, err
		}
		calls[i], works[i] = call, repeated(call)
	}
	times := inTurns(works)
	var figures []figure
	for i, p := range all {
		value := fmt.Sprintf("%s, %.0f allocs", nanoseconds(quiet(times[i])), testing.AllocsPerRun(1000, calls[i]))
		figures = append(figures, measured(what+", "+p.name, "%s", value))
	}
	return figures, times, nil
}
