package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/local/bench/fleet"
	"github.com/coldfuse/coldfuse/local/storeproxy"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// processes measures what a fleet of real processes does to a store and a
// dependency that live, die and come back, retries off.
func processes(ctx context.Context, root string) ([]figure, error) {
	usual := []string{"usual-1", "usual-2", "usual-3"}
	var all []breaker.Settings
	for _, name := range append(usual, "slow", "burst", "alone") {
		all = append(all, breaker.Settings{Name: name, RecoveryTimeout: recovery})
	}
	// 3.7 s, the deviations of both clocks and the store's 0.3 s are the lease.
	all = append(all,
		breaker.Settings{Name: "killed", RecoveryTimeout: recovery, ProbeTimeout: 3700 * time.Millisecond},
		breaker.Settings{Name: "read-first", RecoveryTimeout: recovery, MaxAge: -1})
	for i := range all {
		all[i] = all[i].WithDefaults()
	}
	g, err := newGround(ctx, root, all)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	var run crew
	lives := make([]life, len(usual))
	for i, name := range usual {
		run.do(func() (err error) { lives[i], err = g.sites[name].live(ctx, fleetRate); return err })
	}
	var readFirst, slow life
	run.do(func() (err error) { readFirst, err = g.sites["read-first"].live(ctx, fleetRate); return err })
	run.do(func() (err error) { slow, err = g.sites["slow"].live(ctx, slowRate); return err })
	var rejected bool
	run.do(func() (err error) { rejected, err = g.sites["burst"].burst(ctx); return err })
	var reached figure
	run.do(func() (err error) { reached, err = g.sites["alone"].alone(ctx); return err })
	if err := run.wait(); err != nil {
		return nil, err
	}
	next, err := g.sites["killed"].killed(ctx)
	if err != nil {
		return nil, err
	}
	figures := append(lifeFigures(lives), readFirstFigures(readFirst)...)
	figures = append(figures,
		atMost("5 calls/s: from healed to the last rejected call, s", "%.1f", slow.lastRejected.Sub(slow.healed).Seconds(), 6),
		holds("20 environments fail once at the same instant: a cold one is rejected", rejected),
		atMost("prober killed with a lease of 5 s: next probe after the kill, s", "%.1f", next.Seconds(), 5.5),
	)
	losses := 0
	for name, s := range g.sites {
		if name != "alone" {
			losses += s.losses()
		}
	}
	if losses > 0 {
		unjudged(figures)
	}
	return append(figures, reached, measured("times that a slow store was taken for lost, which should be 0", "%d", losses)), nil
}

// unjudged takes figures for what they are on a machine on which the store was
// too slow for some environments: those decided and probed alone, as they
// should, and what was seen says nothing of the fleet's rules.
func unjudged(figures []figure) {
	for i, f := range figures {
		if f.limit != "–" {
			figures[i].limit, figures[i].holds = f.limit+", not judged: store too slow", true
		}
	}
}

// crew does things side by side.
type crew struct {
	wg   sync.WaitGroup
	mu   sync.Mutex
	errs []error
}

func (c *crew) do(f func() error) {
	c.wg.Go(func() {
		err := f()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.errs = append(c.errs, err)
	})
}

func (c *crew) wait() error {
	c.wg.Wait()
	return errors.Join(c.errs...)
}

// life is what was seen of a circuit from health through an outage of its
// dependency to health.
type life struct {
	healthy      []fleet.Call // of the time in which nothing fails
	use          traffic      // of it
	failed       []time.Time  // arrivals at the dead dependency before the circuit was open
	probes       int          // in six recovery times after that
	tries        traffic      // of these
	healed       time.Time    // the dependency
	firstGood    time.Time    // probe
	lastRejected time.Time
}

// live lets the dependency live, die and live again under a steady load.
func (s *site) live(ctx context.Context, rate int) (l life, err error) {
	stop := s.load(ctx, rate)
	defer stop()
	wait.Pause(ctx, 2*time.Second)
	began, before := time.Now(), s.traffic()
	wait.Pause(ctx, 10*time.Second)
	l.healthy, l.use = s.calls(began, time.Now()), s.traffic().since(before)

	died := time.Now()
	s.dependency.Set(fleet.Dead)
	err = wait.For(ctx, 30*time.Second, "a call is rejected", func() bool { return len(s.rejections(died)) > 0 })
	if err != nil {
		return l, fmt.Errorf("%s: %w", s.settings.Name, err)
	}
	opened := time.Now()
	wait.Pause(ctx, 2*time.Second) // all that is under way has arrived
	for _, r := range s.dependency.Requests(died, isOrdinary) {
		l.failed = append(l.failed, r.At)
	}
	before = s.traffic()
	// Each window is longer by the wait before a claim; a seventh has not ended.
	wait.Pause(ctx, time.Until(opened.Add(6*recovery+2*time.Second)))
	l.probes, l.tries = len(s.dependency.Requests(opened, isProbe)), s.traffic().since(before)

	l.healed = time.Now()
	s.dependency.Set(fleet.Healthy)
	good, err := s.await(ctx, "a good probe", l.healed, 1, isProbe)
	if err != nil {
		return l, err
	}
	if _, err := s.await(ctx, "the circuit closes", l.healed, 1, isOrdinary); err != nil {
		return l, err
	}
	wait.Pause(ctx, 3*time.Second)
	l.firstGood = good.At
	for _, c := range s.rejections(l.healed) {
		if c.At.After(l.lastRejected) {
			l.lastRejected = c.At
		}
	}
	return l, nil
}

// dying is the time between the first and the last failing call, in s.
func (l life) dying() float64 {
	return slices.MaxFunc(l.failed, time.Time.Compare).Sub(slices.MinFunc(l.failed, time.Time.Compare)).Seconds()
}

// each gives a value of every life.
func each(lives []life, value func(life) float64) []float64 {
	values := make([]float64, len(lives))
	for i, l := range lives {
		values[i] = value(l)
	}
	return values
}

func lifeFigures(lives []life) []figure {
	var added, admissions []float64
	var use traffic
	for _, l := range lives {
		use.reads, use.writes = use.reads+l.use.reads, use.writes+l.use.writes
		for _, c := range l.healthy {
			added, admissions = append(added, milliseconds(c.Allow+c.Done)), append(admissions, milliseconds(c.Allow))
		}
	}
	n := float64(len(added))
	waited := 0
	for _, ms := range admissions {
		if ms > 0.5 { // nothing but a read takes so long
			waited++
		}
	}
	failing := each(lives, func(l life) float64 { return float64(len(l.failed)) })
	dying := each(lives, life.dying)
	probes := each(lives, func(l life) float64 { return float64(l.probes) })
	tries := each(lives, func(l life) float64 { return float64(l.tries.writes) })
	closing := each(lives, func(l life) float64 { return l.lastRejected.Sub(l.firstGood).Seconds() })
	return []figure{
		measured("healthy: reads of the store for a call", "%.2f", float64(use.reads)/n),
		atMost("healthy: writes", "%.0f", float64(use.writes), 0),
		measured("healthy: calls that wait for a read, %", "%.1f", float64(waited)/n*100),
		atMost("healthy: added to a call, p50, ms", "%.3f", median(added), 0.03),
		measured("healthy: added to a call, p90, ms", "%.3f", quantile(added, 0.9)),
		atMost("dependency dies: failing calls that reach it, median of 3 circuits", "%.0f", median(failing), 16),
		atMost("dependency dies: failing calls that reach it, worst", "%.0f", slices.Max(failing), 24),
		atMost("dependency dies: first to last failing call, median, s", "%.2f", median(dying), 0.7),
		atMost("dependency dies: first to last failing call, worst, s", "%.2f", slices.Max(dying), 1),
		atMost("six dead recovery times of 5 s: probes, worst", "%.0f", slices.Max(probes), 6),
		atMost("six dead recovery times of 5 s: writes, worst", "%.0f", slices.Max(tries), 16),
		atMost("healed: last rejected call after the first good probe, worst, s", "%.2f", slices.Max(closing), 0.4),
	}
}

func readFirstFigures(l life) []figure {
	return []figure{
		atMost("read-first, dependency dies: failing calls that reach it", "%.0f", float64(len(l.failed)), 12),
		atMost("read-first, dependency dies: first to last failing call, s", "%.2f", l.dying(), 0.2),
	}
}

// burst has every environment fail once at the same instant, and tells whether
// a cold one is then rejected.
func (s *site) burst(ctx context.Context) (bool, error) {
	s.dependency.Set(fleet.Dead)
	began := time.Now()
	s.fleet.CallAll(s.settings.Name)
	err := wait.For(ctx, 30*time.Second, "all have failed", func() bool { return len(s.calls(began, time.Now())) == fleetSize })
	if err != nil {
		return false, err
	}
	client := dynamostore.NewClient(through(s.server, s.store), nil)
	cold, err := breaker.New(breaker.Config{Settings: s.settings, Store: dynamostore.New(client, table)})
	if err != nil {
		return false, err
	}
	if err := cold.Prime(ctx); err != nil {
		return false, err
	}
	permit, err := cold.Allow(ctx)
	permit.Done(nil)
	return errors.Is(err, breaker.ErrOpen), nil
}

// alone makes 1,001 calls while store and dependency are both away: each
// environment protects the dependency by itself.
func (s *site) alone(ctx context.Context) (figure, error) {
	const calls = 1001
	if err := s.store.Set(storeproxy.Fault{Mode: storeproxy.Refuse}); err != nil {
		return figure{}, err
	}
	s.dependency.Set(fleet.Dead)
	began := time.Now()
	for i := range calls {
		if !wait.Pause(ctx, time.Until(began.Add(time.Duration(i)*time.Second/fleetRate))) {
			return figure{}, ctx.Err()
		}
		s.fleet.Call(s.settings.Name)
	}
	err := wait.For(ctx, 30*time.Second, "all calls have ended", func() bool { return len(s.calls(began, time.Now())) == calls })
	if err != nil {
		return figure{}, err
	}
	windows := int(time.Since(began) / recovery)
	reached := len(s.dependency.Requests(began, func(fleet.Request) bool { return true }))
	return atMost(fmt.Sprintf("store refused, dependency dead: of 1,001 calls in %d recovery times reached it", windows),
		"%.0f", float64(reached), float64(fleetSize*(s.settings.FailureThreshold+windows))), nil
}

// killed gives how long after a prober was killed the next probe arrived.
func (s *site) killed(ctx context.Context) (time.Duration, error) {
	stop := s.load(ctx, fleetRate)
	defer stop()
	s.dependency.Set(fleet.Dead)
	began := time.Now()
	if _, err := s.await(ctx, "the circuit opens", began, s.settings.FailureThreshold, isOrdinary); err != nil {
		return 0, err
	}
	s.dependency.Set(fleet.Hanging)
	probe, err := s.await(ctx, "a probe", began, 1, isProbe)
	if err != nil {
		return 0, err
	}
	s.fleet.Kill(probe.Member)
	killed := time.Now()
	next, err := s.await(ctx, "the next probe", killed, 1, isProbe)
	return next.At.Sub(killed), err
}
