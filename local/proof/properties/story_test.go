package properties

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// fleet is some environments on one store and one clock, and the reference next to
// them. Rapid chooses its acts at random; each act is a line of the story.
type fleet struct {
	*rapid.T
	store        breaker.Store
	settings     breaker.Settings // without defaults
	rules        breaker.Settings // with defaults
	now          int64
	environments []environment
	born         int
	admissions   int
	calls        []*admitted
	past         []page
	seen         []string // transitions that observers were notified of
}

type environment struct {
	*breaker.Breaker
	id string
}

// page is the ledger from a moment on.
type page struct {
	from int64
	ledger
}

// admitted is a running call.
type admitted struct {
	name   int
	permit breaker.Permit
	by     string // its environment
	era    int
	trial  int  // -1: not a probe
	silent bool // admitted by a circuit that is disabled: nothing is recorded
}

// How long an environment may use the record of a circuit that is not closed, in
// ms.
const (
	openAge     = 1000
	halfOpenAge = 250
)

func newFleet(t *rapid.T, settings breaker.Settings, store breaker.Store) *fleet {
	f := &fleet{T: t, store: store, settings: settings, rules: settings.WithDefaults(), now: 1_700_000_000_000}
	f.past = []page{{f.now, ledger{settings: f.rules, state: breaker.Closed}}}
	for range rapid.IntRange(1, 3).Draw(t, "environments") {
		f.environments = append(f.environments, f.birth())
	}
	return f
}

func (f *fleet) birth() environment {
	f.born++
	id := fmt.Sprintf("e%d", f.born)
	b, err := breaker.New(breaker.Config{
		Settings: f.settings, Store: f.store, Environment: id, Classify: classify,
		Now:  func() time.Time { return time.UnixMilli(f.now) },
		Rand: func() uint64 { return 0 }, // no wait before a claim: nobody else acts meanwhile
		Observer: breaker.Observer{Transition: func(_ context.Context, t breaker.Transition) {
			if t.Override == nil {
				f.seen = append(f.seen, fmt.Sprintf("%s→%s", t.From, t.To))
			}
		}},
	})
	if err != nil {
		f.Fatal(err)
	}
	return environment{b, id}
}

// stop is a dependency's answer that names a time to wait.
type stop time.Duration

func (s stop) Error() string { return "stop for " + time.Duration(s).String() }

func classify(err error) breaker.Outcome {
	var s stop
	if errors.As(err, &s) {
		return breaker.Outcome{Verdict: breaker.Failed, Reason: "rate_limited", OpenFor: time.Duration(s)}
	}
	return breaker.Classify(err)
}

// acts returns what can happen. Rapid runs the one without a name after each.
func (f *fleet) acts() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"call":     f.arrive,
		"report":   f.report,
		"retry":    f.check,
		"die":      f.die,
		"renew":    f.renew,
		"override": f.override,
		"wait":     f.wait,
		"":         f.agree,
	}
}

func (f *fleet) ledger() ledger { return f.past[len(f.past)-1].ledger }

func (f *fleet) turn(l ledger) {
	if !reflect.DeepEqual(l, f.ledger()) {
		f.past = append(f.past, page{f.now, l})
	}
}

// known returns the pages that an environment may still use: those that were the
// latest at some instant of the last age ms. With a negative age that is the
// latest one.
func (f *fleet) known(age int64) []page {
	first := len(f.past) - 1
	for age >= 0 && first > 0 && f.past[first].from >= f.now-age {
		first--
	}
	return f.past[first:]
}

func (f *fleet) closedAge() int64 {
	if f.rules.MaxAge < 0 {
		return -1
	}
	return f.rules.MaxAge.Milliseconds()
}

func (f *fleet) arrive(t *rapid.T) {
	e := rapid.IntRange(0, len(f.environments)-1).Draw(t, "environment")
	c := &admitted{name: f.admissions, by: f.environments[e].id, trial: -1}
	var err error
	c.permit, err = f.environments[e].Allow(context.Background())
	if err != nil {
		f.Logf("environment %d rejects a call: %v", e, err)
		f.rejected(err)
		return
	}
	f.admissions++
	f.calls = append(f.calls, c)
	if c.permit.Probe() {
		f.Logf("environment %d admits call %d as the probe", e, c.name)
		f.probes(c)
		return
	}
	f.Logf("environment %d admits call %d", e, c.name)
	for _, p := range f.known(f.closedAge()) {
		if p.answer(f.now) == pass {
			c.era, c.silent = p.era, p.overridden(f.now) == breaker.OverrideDisabled
			return
		}
	}
	f.Fatal("no circuit that the environment may know of is closed")
}

func (f *fleet) probes(c *admitted) {
	if f.ledger().answer(f.now) != probe {
		f.Fatal("the probe slot is not free")
	}
	f.turn(f.ledger().probed(f.now))
	c.era, c.trial = f.ledger().era, len(f.ledger().probes)-1
	limit := time.Duration(f.ledger().probes[c.trial].limit) * time.Millisecond
	deadline := time.UnixMilli(f.now).Add(limit + f.rules.StoreTimeout)
	if got := c.permit.Deadline(); !got.Equal(deadline) {
		f.Fatalf("the probe must end by %s, want %s", got, deadline)
	}
}

// rejected compares a rejection with what the environment may know.
func (f *fleet) rejected(err error) {
	var got *breaker.OpenError
	if !errors.As(err, &got) || !errors.Is(err, breaker.ErrOpen) {
		f.Fatalf("rejected with %v", err)
	}
	for state, age := range map[breaker.State]int64{breaker.Open: openAge, breaker.HalfOpen: halfOpenAge} {
		for _, p := range f.known(age) {
			if p.shown(f.now) == state && p.answer(f.now) == reject && standsFor(*got, p.rejection(f.now)) {
				return
			}
		}
	}
	f.Fatal("no circuit that the environment may know of rejects so")
}

// standsFor reports whether a rejection is the wanted one, or one like it of the
// last 10 ms, whose wait was longer by as much.
func standsFor(got, want breaker.OpenError) bool {
	late := got.RetryAfter - want.RetryAfter
	got.RetryAfter = want.RetryAfter
	return got == want && 0 <= late && late <= 10*time.Millisecond
}

// check asks a call's permit whether to try again.
func (f *fleet) check(t *rapid.T) {
	c := f.draw(t)
	if c == nil {
		return
	}
	err := c.permit.Check(context.Background())
	f.Logf("call %d asks whether to try again: %v", c.name, err)
	passes := func(p page) bool { return p.answer(f.now) == pass }
	switch {
	case c.trial >= 0 && err != nil:
		f.Fatal("a probe always passes")
	case c.trial >= 0:
	case err == nil && !slices.ContainsFunc(f.known(f.closedAge()), passes):
		f.Fatal("no circuit that the environment may know of is closed")
	case err != nil && !slices.ContainsFunc(f.known(openAge), func(p page) bool { return !passes(p) }):
		f.Fatal("no circuit that the environment may know of has opened")
	}
}

// draw returns a running call, or nil.
func (f *fleet) draw(t *rapid.T) *admitted {
	if len(f.calls) == 0 {
		return nil
	}
	return f.calls[rapid.IntRange(0, len(f.calls)-1).Draw(t, "call")]
}

func (f *fleet) end(c *admitted) {
	f.calls = slices.DeleteFunc(f.calls, func(other *admitted) bool { return other == c })
}

var errDown = errors.New("down")

// results returns what a call can end with. Probes succeed more often, or a circuit
// that wants several successes would never close.
func (c *admitted) results() []error {
	if c.trial >= 0 {
		return []error{nil, nil, nil, nil, nil, context.Canceled, errDown, stop(20 * time.Second)}
	}
	return []error{context.DeadlineExceeded, errDown, errDown, errDown, context.Canceled, nil, stop(3 * time.Second)}
}

func (f *fleet) report(t *rapid.T) {
	c := f.draw(t)
	if c == nil {
		return
	}
	f.end(c)
	err := rapid.SampledFrom(c.results()).Draw(t, "result")
	if errors.As(err, new(stop)) {
		// The number of other failures comes from a record that may be 100 ms old.
		f.now += 101
	}
	f.Logf("call %d ends with %v", c.name, err)
	c.permit.Done(err)
	var o breaker.Outcome
	if err != nil {
		o = classify(err)
	}
	switch {
	case c.trial >= 0:
		f.turn(f.ledger().concludes(c.era, c.trial, o, f.now))
	case o.Verdict == breaker.Failed && !c.silent:
		f.turn(f.ledger().fails(c.era, c.by, o, f.now))
	}
	c.permit.Done(errors.New("reported twice"))
}

// die ends a call without a report, as the death of its environment does.
func (f *fleet) die(t *rapid.T) {
	c := f.draw(t)
	if c == nil || rapid.IntRange(0, 3).Draw(t, "dies") < 3 {
		return
	}
	f.end(c)
	f.Logf("call %d dies", c.name)
}

// renew replaces an environment by a cold one. The calls of the old one go on.
func (f *fleet) renew(t *rapid.T) {
	e := rapid.IntRange(0, len(f.environments)-1).Draw(t, "environment")
	f.Logf("environment %d starts anew", e)
	f.environments[e] = f.birth()
	if rapid.Bool().Draw(t, "primed") {
		if err := f.environments[e].Prime(context.Background()); err != nil {
			f.Fatal(err)
		}
	}
}

// override sets or clears an override, and waits until no environment uses an
// older record: it would otherwise be unknown which record admitted a call.
func (f *fleet) override(t *rapid.T) {
	mode := rapid.SampledFrom([]breaker.OverrideMode{
		"", "", breaker.OverrideOpen, breaker.OverrideClosed, breaker.OverrideDisabled,
	}).Draw(t, "mode")
	if mode != "" && rapid.IntRange(0, 2).Draw(t, "sets") > 0 {
		return // overrides are rare, so that stories have other acts too
	}
	var o breaker.Override
	ctx, b := context.Background(), f.environments[rapid.IntRange(0, len(f.environments)-1).Draw(t, "environment")]
	set := func(ctx context.Context) error { return b.ClearOverride(ctx, "someone") }
	if mode != "" {
		o = breaker.Override{Mode: mode, By: "someone", Why: "to see", Until: time.UnixMilli(f.now).Add(
			time.Duration(rapid.IntRange(1, 20).Draw(t, "seconds")) * time.Second).UTC()}
		set = func(ctx context.Context) error { return b.SetOverride(ctx, o) }
	}
	f.Logf("override %q", o.Mode)
	if err := set(ctx); err != nil {
		f.Fatal(err)
	}
	f.turn(f.ledger().overrides(o, f.now))
	f.agree(t)
	f.now += max(openAge, f.closedAge(), 0) + 1
}

// wait lets time pass, to just before or just after a moment that matters: the end
// of a cache's age, or a change that time alone makes.
func (f *fleet) wait(t *rapid.T) {
	moments := []int64{0, 100, halfOpenAge, openAge, 1200}
	for _, at := range f.ledger().turns() {
		moments = append(moments, at-f.now, at-f.now) // twice as likely
	}
	ms := rapid.SampledFrom(moments).Draw(t, "time") + rapid.Int64Range(-1, 1).Draw(t, "more")
	ms = max(ms, 1)
	f.Logf("%d ms pass", ms)
	f.now += ms
}

// agree compares all that is visible: statistics, and each notification of an
// observer.
func (f *fleet) agree(*rapid.T) {
	got, err := f.environments[0].Stats(context.Background())
	if want := f.ledger().stats(f.now); err != nil || !reflect.DeepEqual(got, want) {
		f.Fatalf("stats %s (%v), want %s", text(got), err, text(want))
	}
	if want := f.transitions(); !slices.Equal(f.seen, want) {
		f.Fatalf("observed %v, want %v", f.seen, want)
	}
}

func (f *fleet) transitions() []string {
	var all []string
	for i := 1; i < len(f.past); i++ {
		if from, to := f.past[i-1], f.past[i]; from.era != to.era {
			all = append(all, fmt.Sprintf("%s→%s", from.state, to.state))
		}
	}
	return all
}

func text(s breaker.Stats) string {
	return fmt.Sprintf("%s, %d failures, %d successes, last failure %v, opened %v",
		s.State, s.FailureCount, s.SuccessCount, s.LastFailureTime, s.OpenedAt)
}
