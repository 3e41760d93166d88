package properties

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// anySettings returns settings in range, at its ends, or left out, and some that
// are beyond in a field or two.
func anySettings(t *rapid.T) breaker.Settings {
	spoilt := func(name string) bool { return rapid.IntRange(0, 19).Draw(t, name) == 19 }
	span := func(name string, low, high time.Duration) time.Duration {
		inside := rapid.Map(rapid.Int64Range(int64(low), int64(high)), func(n int64) time.Duration { return time.Duration(n) })
		if spoilt(name + " spoilt") {
			return rapid.SampledFrom([]time.Duration{low - 1, high + 1, -1}).Draw(t, name)
		}
		return rapid.OneOf(rapid.SampledFrom([]time.Duration{0, low, high}), inside).Draw(t, name)
	}
	count := func(name string) int {
		if spoilt(name + " spoilt") {
			return rapid.SampledFrom([]int{-1, 101}).Draw(t, name)
		}
		return rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(1, 5)).Draw(t, name)
	}
	name := rapid.StringMatching(`[A-Za-z0-9_.-]{1,64}`)
	if spoilt("name spoilt") {
		name = rapid.String()
	}
	backOff := []float64{0, 1, 3.7, 10}
	if spoilt("back-off spoilt") {
		backOff = []float64{0.9, 11, math.NaN()}
	}
	oldest := span("max age", 0, time.Minute)
	recovery := span("recovery timeout", 100*time.Millisecond, time.Hour)
	return breaker.Settings{
		Name:             name.Draw(t, "name"),
		FailureThreshold: count("failure threshold"),
		SuccessThreshold: count("success threshold"),
		FailureWindow:    span("failure window", time.Second, time.Hour),
		RecoveryTimeout:  recovery,
		OpenBackOff:      rapid.SampledFrom(backOff).Draw(t, "back-off"),
		MaxOpen:          span("max open", max(recovery, time.Hour), 24*time.Hour),
		MinEnvironments:  rapid.SampledFrom([]int{0, 0, 1, 1, 2, 3}).Draw(t, "min environments"),
		ProbeTimeout:     span("probe timeout", 10*time.Millisecond, 15*time.Minute),
		MaxClockSkew:     span("max clock skew", 0, time.Minute),
		MaxAge:           oldest,
		RefreshAfter:     span("refresh after", 0, max(oldest, 0)),
		StoreTimeout:     span("store timeout", 10*time.Millisecond, 10*time.Second),
		PrimeTimeout:     span("prime timeout", 10*time.Millisecond, 10*time.Second),
	}
}

// lives is the property: either New rejects the settings, or the circuit works as
// they say.
func lives(t *rapid.T) {
	l := &life{T: t, drawn: anySettings(t), store: memstore.New(), now: time.UnixMilli(1_700_000_000_000)}
	_, err := l.birth()
	if valid := l.drawn.WithDefaults().Validate(); (err == nil) != (valid == nil) {
		t.Fatalf("New: %v, Validate: %v", err, valid)
	}
	if err != nil {
		return
	}
	accepted.Add(1)
	l.rules = l.drawn.WithDefaults()
	b := l.trip()
	l.recover(b)
	l.trip()
}

// FuzzSettings looks for settings that New accepts and that do not work.
func FuzzSettings(f *testing.F) { f.Fuzz(rapid.MakeFuzz(lives)) }

// accepted counts the settings that New accepted, to show that the property was
// tested at all.
var accepted atomic.Int64

func TestSettingsAreInvalidOrWork(t *testing.T) {
	set(t, "checks", "1000")
	before := accepted.Load()
	rapid.Check(t, lives)
	if n := accepted.Load() - before; n < 100 {
		t.Errorf("only %d settings were accepted", n)
	}
}

// life is the life of a circuit, from closed to closed and open again.
type life struct {
	*rapid.T
	drawn, rules breaker.Settings // without and with defaults
	store        breaker.Store
	now          time.Time
	born         int
}

func (l *life) birth() (*breaker.Breaker, error) {
	l.born++
	return breaker.New(breaker.Config{
		Settings: l.drawn, Store: l.store, Environment: fmt.Sprintf("e%d", l.born),
		Now: func() time.Time { return l.now }, Rand: func() uint64 { return 0 },
	})
}

func (l *life) call(b *breaker.Breaker, result error) (probe bool, err error) {
	err = b.Do(context.Background(), func(_ context.Context, p *breaker.Permit) error {
		probe = p.Probe()
		return result
	})
	return probe, err
}

// trip fails calls of as many new environments as it takes, in turn: the last
// of the threshold opens, and none before. It returns that one's environment.
func (l *life) trip() *breaker.Breaker {
	environments := make([]*breaker.Breaker, l.rules.MinEnvironments)
	for i := range environments {
		environments[i], _ = l.birth()
	}
	var b *breaker.Breaker
	for i := range l.rules.FailureThreshold {
		b = environments[i%len(environments)]
		if probe, err := l.call(b, errDown); probe || !errors.Is(err, errDown) {
			l.Fatalf("failure %d of %d: probe %v, %v", i+1, l.rules.FailureThreshold, probe, err)
		}
	}
	var rejected *breaker.OpenError
	if _, err := l.call(b, nil); !errors.As(err, &rejected) {
		l.Fatalf("after %d failures: %v", l.rules.FailureThreshold, err)
	}
	if rejected.RetryAfter <= 0 || rejected.RetryAfter > l.rules.RecoveryTimeout {
		l.Fatalf("retry after %s of %s", rejected.RetryAfter, l.rules.RecoveryTimeout)
	}
	return b
}

// recover probes: one dead prober is replaced after its lease, and the
// threshold of successes closes.
func (l *life) recover(b *breaker.Breaker) {
	l.now = l.now.Add(l.rules.RecoveryTimeout + time.Millisecond)
	dead := l.probe(b)
	if _, err := l.call(b, nil); !errors.Is(err, breaker.ErrOpen) {
		l.Fatalf("next to a probe: %v", err)
	}
	lease := l.rules.ProbeTimeout + 2*l.rules.MaxClockSkew + l.rules.StoreTimeout
	l.now = l.now.Add(lease + time.Millisecond)
	for range l.rules.SuccessThreshold {
		l.probe(b).Done(nil)
	}
	dead.Done(errors.New("late"))
	if probe, err := l.call(b, nil); probe || err != nil {
		l.Fatalf("after %d good probes: probe %v, %v", l.rules.SuccessThreshold, probe, err)
	}
}

func (l *life) probe(b *breaker.Breaker) *breaker.Permit {
	p := new(breaker.Permit)
	var err error
	if *p, err = b.Allow(context.Background()); err != nil || !p.Probe() {
		l.Fatalf("no probe: %v", err)
	}
	if left := p.Deadline().Sub(l.now); left < l.rules.ProbeTimeout.Truncate(time.Millisecond) {
		l.Fatalf("a probe has %s of %s", left, l.rules.ProbeTimeout)
	}
	return p
}
