package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// connectorsRate is the failure rate that the connectors' profiles tolerate.
const connectorsRate = 0.2

// steady is what a fleet did whose dependency fails a share of its calls.
type steady struct {
	calls, served, rejected int
	writes                  float64 // a second
}

// rates measures fleets of real processes with a failure rate, on fresh tables.
func rates(ctx context.Context, root string) ([]figure, error) {
	return withFleets(ctx, root, func(config fleetConfig) ([]figure, error) {
		steady, err := steadyFleets(ctx, config)
		if err != nil {
			return nil, err
		}
		second, err := secondOutages(ctx, config(breaker.Settings{FailureRate: connectorsRate, RecoveryTimeout: recovery}))
		return append(steady, second...), err
	})
}

// steadyFleets measures both fleets at once.
func steadyFleets(ctx context.Context, config fleetConfig) ([]figure, error) {
	var one, third steady
	var both sync.WaitGroup
	var errs [2]error
	both.Go(func() {
		one, errs[0] = steadyErrors(ctx, config(breaker.Settings{FailureRate: connectorsRate}), 0.01, 2*time.Minute)
	})
	both.Go(func() {
		third, errs[1] = steadyErrors(ctx, config(breaker.Settings{FailureRate: 0.5, FailureThreshold: 10}), 0.3, time.Minute)
	})
	both.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return steadyFigures(one, third), nil
}

func steadyErrors(ctx context.Context, c fleet.Config, share float64, length time.Duration) (s steady, err error) {
	h, err := fleet.Start(ctx, c)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	h.Dependency.Set(fleet.Behaviour{Status: 500, Share: share, Latency: latency})
	traffic, stop := context.WithTimeout(ctx, length)
	defer stop()
	before := h.Stores[0].Counts()["UpdateItem"]
	h.Fleet.Traffic(traffic, usualRate, rand.New(rand.NewPCG(3, 4)))
	s.writes = float64(h.Stores[0].Counts()["UpdateItem"]-before) / length.Seconds()
	for _, r := range h.Fleet.Reports() {
		switch {
		case r.Kind != wire.Done:
		case r.Outcome == wire.Served:
			s.calls, s.served = s.calls+1, s.served+1
		case r.Outcome == wire.Rejected:
			s.calls, s.rejected = s.calls+1, s.rejected+1
		default:
			s.calls++
		}
	}
	return s, ctx.Err()
}

// steadyFigures judges them even if the store was too slow for a moment: a promise
// about every day is about such days, too.
func steadyFigures(one, third steady) []figure {
	return []figure{
		atMost(fmt.Sprintf("1 %% of errors, 120 s, rate 20 %%, threshold 5: rejected of %d calls, per cent", one.calls), "%.2f", 100*float64(one.rejected)/float64(one.calls), 0.1),
		atMost("the same: writes a second", "%.1f", one.writes, 6),
		atLeast(fmt.Sprintf("30 %% of errors, 60 s, rate 50 %%, threshold 10: successes of %d calls, over those without a breaker", third.calls), "%.2f", float64(third.served)/(0.7*float64(third.calls)), 0.97),
	}
}

const (
	secondFleets = 9
	learning     = 12 * time.Second // a fleet learns its traffic in ten seconds after closing
)

// secondOutages lets dependencies die twice. By the second time the fleets know
// their traffic.
func secondOutages(ctx context.Context, c fleet.Config) ([]figure, error) {
	seen, err := fewAtOnce(secondFleets, func(i int) (outage, error) {
		return secondOutage(ctx, c, rand.New(rand.NewPCG(5, uint64(i))))
	})
	if err != nil {
		return nil, err
	}
	seen = slices.DeleteFunc(seen, func(o outage) bool { return o.storeLost })
	if len(seen) < secondFleets/2 {
		return nil, errors.New("the store was too slow for most fleets: is the machine busy?")
	}
	var failing []float64
	for _, o := range seen {
		failing = append(failing, float64(o.failing))
	}
	return []figure{
		atMost(fmt.Sprintf("dependency dies, rate 20 %%, traffic known: failing calls that reach it, median of %d fleets", len(seen)), "%.0f", median(failing), 20),
	}, nil
}

func secondOutage(ctx context.Context, c fleet.Config, random *rand.Rand) (o outage, err error) {
	h, err := fleet.Start(ctx, c)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	h.Dependency.Set(healthy)
	traffic, stop := context.WithCancel(ctx)
	defer stop()
	go h.Fleet.Traffic(traffic, usualRate, random)
	wait.Pause(ctx, settling)
	if _, err := o.die(ctx, h); err != nil {
		return o, err
	}
	first := o.failing
	if _, err := heal(ctx, h); err != nil {
		return o, err
	}
	wait.Pause(ctx, learning)
	o.failing = 0
	if _, err := o.die(ctx, h); err != nil {
		return o, err
	}
	o.failing -= first // die counts the whole journal
	o.storeLost = lostStore(h)
	return o, ctx.Err()
}
