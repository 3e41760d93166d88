package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

const (
	fleetSize = 20
	usualRate = 50 // calls a second, of the fleet
	recovery  = 5 * time.Second
	latency   = 20 * time.Millisecond // of the dependency, dead or alive
	settling  = 2 * time.Second
	comesSoon = 30 * time.Second // bounds the wait for what must come

	fleets       = 16 // fleets whose dependency dies,
	longFleets   = 3  // of them, whose outage is a long one
	fleetsAtOnce = 2  // so that the machine is not what is measured
	leastFleets  = 9  // without a slow store, to be judged
)

// dead and healthy are how the dependency answers.
var (
	dead    = fleet.Behaviour{Status: 503, Latency: latency}
	healthy = fleet.Behaviour{Latency: latency}
)

// outage is what one fleet did while its dependency was dead.
type outage struct {
	long           bool          // the dependency stayed dead for six recovery times and healed
	failing        int           // calls that reached it, without probes
	lasted         time.Duration // from the first failure to the arrival of the last failing call
	probes, writes int           // in six recovery times; of a long outage
	closing        time.Duration // from the first good probe to the last rejected call; of a long outage
	storeLost      bool          // an environment fell back on its local record, to which the promises do not apply
}

// processes measures fleets of real processes whose dependency dies, retries off.
// These rows validate the simulation, which has all other targets of a fleet.
func processes(ctx context.Context, root string) ([]figure, error) {
	return withFleets(ctx, root, func(config fleetConfig) ([]figure, error) {
		c := config(breaker.Settings{RecoveryTimeout: recovery})
		seen, err := fewAtOnce(fleets, func(i int) (outage, error) {
			return oneOutage(ctx, c, rand.New(rand.NewPCG(1, uint64(i))), i < longFleets)
		})
		if err != nil {
			return nil, err
		}
		return processFigures(seen), nil
	})
}

// fleetConfig returns the configuration of a fleet whose circuit has the settings.
type fleetConfig func(breaker.Settings) fleet.Config

// withFleets calls measure while a store runs for the fleets.
func withFleets(ctx context.Context, root string, measure func(fleetConfig) ([]figure, error)) ([]figure, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary, err := fleet.Build(ctx, filepath.Join(root, "local/proof/fleet/environment"), dir)
	if err != nil {
		return nil, err
	}
	server, err := dynamolocal.Start(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	return measure(func(s breaker.Settings) fleet.Config {
		s.Name = "bench"
		return fleet.Config{Binary: binary, Server: server, Environments: fleetSize, Settings: s}
	})
}

// fewAtOnce lets n fleets, a few at once, have their outages.
func fewAtOnce(n int, one func(i int) (outage, error)) ([]outage, error) {
	seen, errs := make([]outage, n), make([]error, n)
	turns := make(chan struct{}, fleetsAtOnce)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			seen[i], errs[i] = one(i)
		})
	}
	all.Wait()
	return seen, errors.Join(errs...)
}

func oneOutage(ctx context.Context, c fleet.Config, random *rand.Rand, long bool) (o outage, err error) {
	o.long = long
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
	opened, err := o.die(ctx, h)
	if err == nil && long {
		err = o.stayDeadAndHeal(ctx, h, opened)
	}
	o.storeLost = lostStore(h)
	return o, err
}

// die lets the dependency fail until all environments know of it.
func (o *outage) die(ctx context.Context, h *fleet.Harness) (opened time.Time, err error) {
	died := time.Now()
	h.Dependency.Set(dead)
	if err := wait.For(ctx, comesSoon, "a call is rejected", func() bool { return len(rejectedCalls(h, died)) > 0 }); err != nil {
		return opened, err
	}
	opened = time.Now()
	wait.Pause(ctx, 1500*time.Millisecond) // longer than a closed record is trusted
	var first, last time.Time
	for _, r := range h.Dependency.Requests() {
		if r.Status != dead.Status || r.Probe {
			continue
		}
		o.failing++
		if first.IsZero() || r.Ended.Before(first) {
			first = r.Ended
		}
		last = r.Began // the journal is in the order of arrival
	}
	o.lasted = last.Sub(first)
	return opened, ctx.Err()
}

func (o *outage) stayDeadAndHeal(ctx context.Context, h *fleet.Harness, opened time.Time) error {
	before := h.Stores[0].Counts()["UpdateItem"]
	// Each window is longer by the wait before a claim; a seventh has not ended.
	wait.Pause(ctx, time.Until(opened.Add(6*recovery+2*time.Second)))
	o.probes, o.writes = len(requests(h, opened, isProbe)), h.Stores[0].Counts()["UpdateItem"]-before
	healed, err := heal(ctx, h)
	if err != nil {
		return err
	}
	wait.Pause(ctx, 3*time.Second) // all know of it
	good := requests(h, healed, isProbe)[0].Began
	for _, r := range rejectedCalls(h, healed) {
		o.closing = max(o.closing, r.At.Sub(good))
	}
	return ctx.Err()
}

// heal makes the dependency healthy and waits until the circuit has closed. It
// returns when it began.
func heal(ctx context.Context, h *fleet.Harness) (healed time.Time, err error) {
	healed = time.Now()
	h.Dependency.Set(healthy)
	closed := func() bool { return len(requests(h, healed, func(r fleet.Request) bool { return !r.Probe })) > 0 }
	return healed, wait.For(ctx, comesSoon, "the circuit closes", closed)
}

// lostStore reports whether an environment fell back on its local record.
func lostStore(h *fleet.Harness) bool {
	return slices.ContainsFunc(h.Fleet.Reports(), func(r wire.Report) bool { return r.Kind == wire.Lost })
}

func isProbe(r fleet.Request) bool { return r.Probe }

func requests(h *fleet.Harness, since time.Time, want func(fleet.Request) bool) []fleet.Request {
	return slices.DeleteFunc(h.Dependency.Requests(), func(r fleet.Request) bool { return r.Began.Before(since) || !want(r) })
}

func rejectedCalls(h *fleet.Harness, since time.Time) []wire.Report {
	return slices.DeleteFunc(h.Fleet.Reports(), func(r wire.Report) bool {
		return r.Kind != wire.Done || r.Outcome != wire.Rejected || r.At.Before(since)
	})
}

// processFigures leaves out the fleets with a store outage, unless too few are left:
// then it returns the figures of all and does not judge them.
func processFigures(seen []outage) []figure {
	kept := slices.DeleteFunc(slices.Clone(seen), func(o outage) bool { return o.storeLost })
	judged := len(kept) >= leastFleets && slices.ContainsFunc(kept, func(o outage) bool { return o.long })
	if !judged {
		kept = seen
	}
	var failing, lasted, probes, writes, closing []float64
	for _, o := range kept {
		failing, lasted = append(failing, float64(o.failing)), append(lasted, o.lasted.Seconds())
		if o.long {
			probes, writes, closing = append(probes, float64(o.probes)), append(writes, float64(o.writes)), append(closing, o.closing.Seconds())
		}
	}
	figures := []figure{
		atMost(fmt.Sprintf("dependency dies: failing calls that reach it, median of %d fleets", len(kept)), "%.0f", median(failing), 16),
		atMost("dependency dies: first failure to last failing call, median, s", "%.2f", median(lasted), 0.7),
		atMost(fmt.Sprintf("six dead recovery times of 5 s: probes, worst of %d fleets", len(probes)), "%.0f", slices.Max(probes), 6),
		atMost("six dead recovery times of 5 s: writes, worst", "%.0f", slices.Max(writes), 16),
		atMost("healed: last rejected call after the first good probe, worst, s", "%.2f", slices.Max(closing), 0.4),
	}
	if !judged {
		notJudged(figures)
	}
	return append(figures, measured("fleets left out because of a slow store", "%d", len(seen)-len(kept)))
}
