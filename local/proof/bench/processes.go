package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

const (
	usualRate = 50 // calls a second, of the fleet
	busyRate  = 100
	slowRate  = 5
	recovery  = 5 * time.Second

	// outagesAtOnce is how many dependencies die at a time: few, so that the
	// machine is not what is measured.
	outagesAtOnce = 4
)

// Groups of circuits, by what becomes of them.
const (
	groupHealthy   = "healthy"
	groupBusy      = "busy"
	groupDying     = "dying"
	groupReadFirst = "read-first"
	groupDead      = "dead"
	groupSlow      = "slow"
	groupBurst     = "burst"
	groupAlone     = "alone"
	groupKilled    = "killed"
	groupLate      = "late"
)

var groups = []group{
	{groupHealthy, 1, breaker.Settings{}},
	{groupBusy, 2, breaker.Settings{}},
	{groupDying, 30, breaker.Settings{RecoveryTimeout: recovery}},
	{groupReadFirst, 15, breaker.Settings{RecoveryTimeout: recovery, MaxAge: -1}},
	{groupDead, 3, breaker.Settings{RecoveryTimeout: recovery}},
	{groupSlow, 3, breaker.Settings{RecoveryTimeout: recovery}},
	{groupBurst, 3, breaker.Settings{}},
	{groupAlone, 1, breaker.Settings{RecoveryTimeout: recovery}},
	// 3.7 s, the deviations of both clocks and the store's 0.3 s are the lease.
	{groupKilled, 1, breaker.Settings{RecoveryTimeout: recovery, ProbeTimeout: 3700 * time.Millisecond}},
	{groupLate, len(latecomers), lateSettings},
}

// processes measures what a fleet of real processes does to a store and a
// dependency that live, die and come back, retries off.
func processes(ctx context.Context, root string) ([]figure, error) {
	g, err := newGround(ctx, root, groups)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	figures, err := g.inHealth(ctx)
	if err != nil {
		return nil, err
	}
	more, err := g.inTrouble(ctx)
	if err != nil {
		return nil, err
	}
	last, err := g.afterAKill(ctx)
	if err != nil {
		return nil, err
	}
	figures = append(append(figures, more...), last...)
	losses := 0
	for s := range g.all() {
		if s != g.only(groupAlone) {
			losses += s.losses()
		}
	}
	return append(figures, measured("times that a slow store was taken for lost, which should be 0; such circuits are left out", "%d", losses)), nil
}

// inHealth has nothing else going on: it is about fractions of a millisecond.
func (g *ground) inHealth(ctx context.Context) ([]figure, error) {
	var c crew
	usual := try(&c, g.sites[groupHealthy], func(s *site) (health, error) { return s.live(ctx, usualRate) })
	often := try(&c, g.sites[groupBusy], func(s *site) (health, error) { return s.live(ctx, busyRate) })
	if err := c.wait(); err != nil {
		return nil, err
	}
	return append(judged(usual, 1, usualFigures), judged(often, 1, busyFigures)...), nil
}

// inTrouble has everything go on side by side that leaves the fleet whole.
func (g *ground) inTrouble(ctx context.Context) ([]figure, error) {
	var all crew
	turns := crew{limit: make(chan struct{}, outagesAtOnce)}
	outages := try(&turns, g.sites[groupDying], func(s *site) (outage, error) { return s.outage(ctx) })
	readingFirst := try(&turns, g.sites[groupReadFirst], func(s *site) (outage, error) { return s.outage(ctx) })
	died := try(&all, g.sites[groupDead], func(s *site) (windows, error) { return s.windows(ctx) })
	slowly := try(&all, g.sites[groupSlow], func(s *site) (time.Duration, error) { return s.slowly(ctx) })
	bursts := try(&turns, g.sites[groupBurst], func(s *site) (bool, error) { return s.burst(ctx) })
	var reached, dropped []figure
	all.do(func() (err error) { reached, err = g.only(groupAlone).alone(ctx); return err })
	all.do(func() (err error) { dropped, err = comeLate(ctx, g.sites[groupLate]); return err })
	if err := errors.Join(all.wait(), turns.wait()); err != nil {
		return nil, err
	}
	figures := judged(outages, 15, dyingFigures)
	figures = append(figures, judged(readingFirst, 9, readFirstFigures)...)
	figures = append(figures, judged(bursts, 1, burstFigures)...)
	figures = append(figures, judged(died, 1, windowFigures)...)
	figures = append(figures, judged(slowly, 1, slowFigures)...)
	return append(append(figures, dropped...), reached...), nil
}

// afterAKill is the last thing that the whole fleet does.
func (g *ground) afterAKill(ctx context.Context) ([]figure, error) {
	var c crew
	next := try(&c, g.sites[groupKilled], func(s *site) (succession, error) { return s.killed(ctx) })
	if err := c.wait(); err != nil {
		return nil, err
	}
	return judged(next, 1, killedFigures), nil
}

// trial is what was seen of one circuit.
type trial[T any] struct {
	seen   T
	losses func() int // of its store, so far
}

// try makes a trial of each site. They are filled in when the crew has done.
func try[T any](c *crew, sites []*site, f func(*site) (T, error)) []trial[T] {
	trials := make([]trial[T], len(sites))
	for i, s := range sites {
		trials[i].losses = s.losses
		c.do(func() (err error) { trials[i].seen, err = f(s); return err })
	}
	return trials
}

// judged returns the figures of the trials in which the store kept up. If those
// are not as many as make a sample, it gives the figures of all for what they
// are on a machine that is too busy.
func judged[T any](trials []trial[T], sample int, figures func([]T) []figure) []figure {
	var all, kept []T
	for _, t := range trials {
		all = append(all, t.seen)
		if t.losses() == 0 {
			kept = append(kept, t.seen)
		}
	}
	if len(kept) >= sample {
		return figures(kept)
	}
	f := figures(all)
	unjudged(f)
	return f
}

// unjudged takes figures for what they are on a machine on which the store was
// too slow for some environments: those decided and probed alone, as they
// should, and what was seen says nothing of the fleet's rules.
func unjudged(figures []figure) {
	for i, f := range figures {
		if f.limit != "–" {
			figures[i].limit, figures[i].holds = f.limit+notJudged, true
		}
	}
}

// crew does things side by side: all at once, or as many as its limit has room
// for.
type crew struct {
	limit chan struct{}
	wg    sync.WaitGroup
	mu    sync.Mutex
	errs  []error
}

func (c *crew) do(f func() error) {
	c.wg.Go(func() {
		if c.limit != nil {
			c.limit <- struct{}{}
			defer func() { <-c.limit }()
		}
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
