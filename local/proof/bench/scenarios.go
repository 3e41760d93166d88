package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/bench/fleet"
	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// burst has every environment fail once at the same instant, and reports whether
// the circuit is then open and a cold one rejected.
func (s *site) burst(ctx context.Context) (bool, error) {
	s.dependency.Set(fleet.Dead)
	began := time.Now()
	s.fleet.CallAll(s.settings.Name)
	err := wait.For(ctx, patience, "all have failed", func() bool { return len(s.calls(began, time.Now())) == fleetSize })
	if err != nil {
		return false, err
	}
	cold, err := breaker.New(breaker.Config{Settings: s.settings, Store: s.reach()})
	if err != nil {
		return false, err
	}
	if err := cold.Prime(ctx); err != nil {
		return false, err
	}
	permit, err := cold.Allow(ctx)
	permit.Done(nil)
	var rejected *breaker.OpenError
	return errors.As(err, &rejected) && rejected.State == breaker.Open, nil
}

func burstFigures(open []bool) []figure {
	return []figure{holds("20 environments fail once at the same instant: open, and a cold one is rejected", !slices.Contains(open, false))}
}

// alone makes 1,001 calls while store and dependency are both away: each
// environment protects the dependency by itself.
func (s *site) alone(ctx context.Context) ([]figure, error) {
	const calls = 1001
	if err := s.store.Set(storeproxy.Fault{Mode: storeproxy.Refuse}); err != nil {
		return nil, err
	}
	s.dependency.Set(fleet.Dead)
	began := time.Now()
	stop := s.load(ctx, usualRate)
	ended := func() int { return len(s.calls(began, time.Now())) }
	err := wait.For(ctx, patience, "1,001 calls", func() bool { return ended() >= calls })
	stop()
	if err != nil {
		return nil, err
	}
	windows := int(time.Since(began) / recovery)
	reached := len(s.dependency.Requests(began, func(fleet.Request) bool { return true }))
	return []figure{atMost(fmt.Sprintf("store refused, dependency dead: of 1,001 calls in %d recovery times reached it", windows),
		"%.0f", float64(reached), float64(fleetSize*(s.settings.FailureThreshold+windows)))}, nil
}

// succession is when the next probe came after its prober was killed.
type succession struct{ afterKill, afterLease time.Duration }

func (s *site) killed(ctx context.Context) (succession, error) {
	stop := s.load(ctx, usualRate)
	defer stop()
	if _, err := s.die(ctx); err != nil {
		return succession{}, err
	}
	hangs := time.Now()
	s.dependency.Set(fleet.Hanging)
	probe, err := s.await(ctx, "a probe", hangs, isProbe)
	if err != nil {
		return succession{}, err
	}
	s.fleet.Kill(probe.Member)
	killed := time.Now()
	claim, err := s.reach().Load(ctx, s.settings.Name, true)
	if err != nil {
		return succession{}, err
	}
	next, err := s.await(ctx, "the next probe", killed, isProbe)
	return succession{next.At.Sub(killed), next.At.Sub(time.UnixMilli(claim.ProbeUntil))}, err
}

// killedFigures are of one circuit: the fleet has lost a member after it.
func killedFigures(seen []succession) []figure {
	return []figure{
		measured("prober killed with a lease of 5 s: next probe after the kill, s", "%.1f", seen[0].afterKill.Seconds()),
		atMost("prober killed with a lease of 5 s: next probe after the lease's end, s", "%.2f", seen[0].afterLease.Seconds(), 0.5),
	}
}
