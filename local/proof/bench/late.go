package main

import (
	"context"
	"fmt"
	"time"

	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// lateSettings make a lease of 2.1 s. What is seen with them is no matter of
// time: the store has plenty.
var lateSettings = breaker.Settings{
	RecoveryTimeout: 200 * time.Millisecond, ProbeTimeout: 100 * time.Millisecond, MaxClockSkew: -1,
	StoreTimeout: 2 * time.Second, SuccessThreshold: 1,
}

// latecomer has one environment admit a call, and another take the circuit on
// until what the call is of is over, and gives what the first has to tell then.
type latecomer func(ctx context.Context, late, other *breaker.Breaker) (tell func(), err error)

var latecomers = []struct {
	name string
	come latecomer
}{
	{"late success of an expired probe", expiredProbe},
	{"late success of the closed era", closedEra},
	{"late failure of an older epoch", olderEpoch},
}

func expiredProbe(ctx context.Context, late, other *breaker.Breaker) (func(), error) {
	if err := trip(ctx, other); err != nil {
		return nil, err
	}
	probe, err := claim(ctx, late)
	if err != nil {
		return nil, err
	}
	wait.Pause(ctx, time.Until(probe.Deadline())+50*time.Millisecond)
	return func() { probe.Done(nil) }, ctx.Err()
}

func closedEra(ctx context.Context, late, other *breaker.Breaker) (func(), error) {
	call, err := late.Allow(ctx)
	if err != nil {
		return nil, err
	}
	if err := trip(ctx, other); err != nil {
		return nil, err
	}
	_, err = claim(ctx, other)
	return func() { call.Done(nil) }, err
}

func olderEpoch(ctx context.Context, late, other *breaker.Breaker) (func(), error) {
	calls := make([]breaker.Permit, late.Settings().FailureThreshold)
	for i := range calls {
		var err error
		if calls[i], err = late.Allow(ctx); err != nil {
			return nil, err
		}
	}
	if err := trip(ctx, other); err != nil {
		return nil, err
	}
	probe, err := claim(ctx, other)
	if err != nil {
		return nil, err
	}
	probe.Done(nil)
	return func() {
		for i := range calls {
			calls[i].Done(errDown)
		}
	}, nil
}

// trip opens a closed circuit.
func trip(ctx context.Context, b *breaker.Breaker) error {
	for range b.Settings().FailureThreshold {
		call, err := b.Allow(ctx)
		if err != nil {
			return err
		}
		call.Done(errDown)
	}
	return nil
}

// claim waits until a circuit that is open admits a probe. An environment that
// has not heard of the opening admits ordinary calls before.
func claim(ctx context.Context, b *breaker.Breaker) (*breaker.Permit, error) {
	call := new(breaker.Permit)
	err := wait.For(ctx, patience, "a probe", func() bool {
		*call, _ = b.Allow(ctx)
		if !call.Probe() {
			call.Done(nil)
		}
		return call.Probe()
	})
	return call, err
}

// comeLate has each latecomer tell on a circuit of its own.
func comeLate(ctx context.Context, sites []*site) ([]figure, error) {
	var figures []figure
	for i, l := range latecomers {
		dropped, err := drops(ctx, sites[i].reach(), sites[i].settings, l.come)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		figures = append(figures, holds(l.name+": dropped", dropped))
	}
	return figures, nil
}

// drops reports whether what comes late counts for nothing.
func drops(ctx context.Context, store breaker.Store, settings breaker.Settings, come latecomer) (bool, error) {
	var environments [2]*breaker.Breaker
	for i := range environments {
		b, err := breaker.New(breaker.Config{Settings: settings, Store: store})
		if err != nil {
			return false, err
		}
		environments[i] = b
	}
	tell, err := come(ctx, environments[0], environments[1])
	if err != nil {
		return false, err
	}
	before, err := store.Load(ctx, settings.Name, true)
	if err != nil {
		return false, err
	}
	tell()
	after, err := store.Load(ctx, settings.Name, true)
	return countedIn(before) == countedIn(after), err
}

// counted is what outcomes change. One that does not count may still give its
// lease back.
type counted struct {
	state               breaker.State
	epoch               int64
	failures, successes int
}

func countedIn(r breaker.Record) counted {
	return counted{r.State, r.Epoch, len(r.Failures), r.Successes}
}
