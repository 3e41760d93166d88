package breaker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func override(t *testing.T, b *breaker.Breaker, mode breaker.OverrideMode, lasts time.Duration) breaker.Override {
	t.Helper()
	o := breaker.Override{Mode: mode, By: "ops", Why: "maintenance", Until: time.Now().UTC().Add(lasts).Truncate(time.Millisecond)}
	if err := b.SetOverride(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	return o
}

func clearOverride(t *testing.T, b *breaker.Breaker) {
	t.Helper()
	if err := b.ClearOverride(context.Background(), "ops too"); err != nil {
		t.Fatal(err)
	}
}

func TestOverrideToOpenRejectsInTheWholeFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j := newStore(), new(journal)
		operator, b := newBreaker(t, store, j), newBreaker(t, store, nil)
		_ = call(b, nil)
		set := override(t, operator, breaker.OverrideOpen, time.Hour)
		time.Sleep(1201 * time.Millisecond)
		var rejected *breaker.OpenError
		if err := call(b, nil); !errors.As(err, &rejected) || rejected.Reason != breaker.ReasonOverride || rejected.State != breaker.Open || rejected.RetryAfter != 30*time.Second {
			t.Errorf("got %+v", err)
		}
		wantState(t, b, breaker.Open)
		if got, ok, err := b.Override(context.Background()); got != set || !ok || err != nil {
			t.Errorf("got %+v, %v, %v", got, ok, err)
		}
		clearOverride(t, operator)
		time.Sleep(1001 * time.Millisecond)
		if err := call(b, nil); err != nil {
			t.Errorf("cleared: %v", err)
		}
		if _, ok, _ := b.Override(context.Background()); ok {
			t.Error("still there")
		}
		wantLines(t, j, "open by ops", "open by ops cleared by ops too")
	})
}

func TestOverrideEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		override(t, b, breaker.OverrideOpen, time.Minute)
		for range 59 {
			time.Sleep(time.Second)
			if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
				t.Fatalf("in force: %v", err)
			}
		}
		time.Sleep(time.Second)
		store.counted()
		if err := call(b, nil); err != nil {
			t.Errorf("over: %v", err)
		}
		if _, writes := store.counted(); writes != 0 {
			t.Errorf("%d writes to end it", writes)
		}
		clearOverride(t, b)
		if _, writes := store.counted(); writes != 0 {
			t.Errorf("%d writes to clear none", writes)
		}
	})
}

func TestOverrideToClosedAdmitsWhileTheCircuitTripsUnderneath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j := newStore(), new(journal)
		b := newBreaker(t, store, j)
		override(t, b, breaker.OverrideClosed, time.Hour)
		for range 20 {
			if err := call(b, errDown); !errors.Is(err, errDown) {
				t.Fatalf("admits everything: %v", err)
			}
		}
		wantState(t, b, breaker.Closed)
		clearOverride(t, b)
		wantState(t, b, breaker.Open)
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("the failures had been recorded: %v", err)
		}
		wantLines(t, j, "closed by ops", "closed→open", "closed by ops cleared by ops too")
	})
}

func TestOverrideToDisabledRecordsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		override(t, b, breaker.OverrideDisabled, time.Hour)
		late, err := b.Allow(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		store.counted()
		failTimes(b, 20)
		if _, writes := store.counted(); writes != 0 {
			t.Errorf("%d writes", writes)
		}
		clearOverride(t, b)
		late.Done(errDown)
		if s, _ := b.Stats(context.Background()); s.State != breaker.Closed || s.FailureCount != 0 {
			t.Errorf("a call that was admitted disabled counts: %+v", s)
		}
	})
}

func TestFailureOfACircuitDisabledMeanwhileIsNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, newStore(), nil)
		permit, _ := b.Allow(context.Background())
		override(t, b, breaker.OverrideDisabled, time.Hour)
		permit.Done(errDown)
		if s, _ := b.Stats(context.Background()); s.FailureCount != 0 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestOverrideFencesTheRunningProbeAndKeepsItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b, operator := newBreaker(t, store, nil), newBreaker(t, store, nil)
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		_ = call(b, nil) // one of two successes
		probe, err := b.Allow(context.Background())
		if err != nil || !probe.Probe() {
			t.Fatal(err)
		}
		override(t, operator, breaker.OverrideClosed, 2*time.Second)
		time.Sleep(time.Second)
		admitted, err := b.Allow(context.Background())
		if err != nil || admitted.Probe() {
			t.Errorf("admitted %v, as a probe %v", err, admitted.Probe())
		}
		admitted.Done(nil)
		probe.Done(nil)
		time.Sleep(1500 * time.Millisecond)
		if s, _ := b.Stats(context.Background()); s.State != breaker.HalfOpen || s.SuccessCount != 0 {
			t.Errorf("the round begins afresh: %+v", s)
		}
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("the slot is taken until the lease ends: %v", err)
		}
		time.Sleep(3 * time.Second)
		_, _ = call(b, nil), call(b, nil)
		wantState(t, b, breaker.Closed)
	})
}

func TestNothingProbesUnderAnOverride(t *testing.T) {
	for _, mode := range []breaker.OverrideMode{breaker.OverrideOpen, breaker.OverrideClosed, breaker.OverrideDisabled} {
		synctest.Test(t, func(t *testing.T) {
			store := newStore()
			b := newBreaker(t, store, nil)
			failTimes(b, 5)
			override(t, b, mode, time.Hour)
			store.counted()
			time.Sleep(31 * time.Second)
			for range 20 {
				permit, err := b.Allow(context.Background())
				if (err != nil) != (mode == breaker.OverrideOpen) || permit.Probe() {
					t.Fatalf("%s: %v, probe %v", mode, err, permit.Probe())
				}
				permit.Done(nil)
				time.Sleep(time.Second)
			}
			if _, writes := store.counted(); writes != 0 {
				t.Errorf("%s: %d writes", mode, writes)
			}
		})
	}
}

func TestAnOverrideDecidesRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, newStore(), nil)
		permit, _ := b.Allow(context.Background())
		override(t, b, breaker.OverrideOpen, time.Hour)
		if err := permit.Check(context.Background()); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("open stops retries: %v", err)
		}
		failTimes(b, 5)
		override(t, b, breaker.OverrideDisabled, time.Hour)
		if err := permit.Check(context.Background()); err != nil {
			t.Errorf("disabled lets them: %v", err)
		}
		permit.Done(nil)
	})
}

func TestAnOverrideInConflictIsWrittenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		overtake := &overtaken{Store: store, by: func() { failTimes(b, 5) }}
		operator := newBreaker(t, overtake, nil)
		override(t, operator, breaker.OverrideClosed, time.Hour)
		if s, _ := b.Stats(context.Background()); s.State != breaker.Closed || s.Override == nil {
			t.Errorf("got %+v", s)
		}
		clearOverride(t, operator)
		wantState(t, b, breaker.Open)

		rounds := 0
		overtake.always = true
		overtake.by = func() { rounds++; override(t, b, breaker.OverrideDisabled, time.Hour) }
		o := breaker.Override{Mode: breaker.OverrideOpen, By: "ops", Until: time.Now().Add(time.Hour)}
		if err := operator.SetOverride(context.Background(), o); err == nil || !strings.Contains(err.Error(), "10 conflicting updates") {
			t.Errorf("an override that never held is no success: %v", err)
		}
		if rounds != 10 {
			t.Errorf("tried %d times, want 10", rounds)
		}
	})
}

// overtaken lets others change the circuit before a change.
type overtaken struct {
	breaker.Store
	by     func()
	always bool
}

func (s *overtaken) Change(ctx context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	if by := s.by; by != nil {
		if !s.always {
			s.by = nil
		}
		by()
	}
	return s.Store.Change(ctx, circuit, c)
}

func TestOverrideNeedsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		override(t, b, breaker.OverrideOpen, 20*time.Second)
		unavailable := errors.New("unavailable")
		store.set(func(s *watchedStore) { s.err = unavailable })
		if err := b.ClearOverride(context.Background(), "ops"); !errors.Is(err, unavailable) {
			t.Errorf("cleared without a store: %v", err)
		}
		if _, _, err := b.Override(context.Background()); err == nil {
			t.Error("read without a store")
		}
		time.Sleep(10 * time.Second)
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("what is known stays in force: %v", err)
		}
		time.Sleep(10 * time.Second)
		if err := call(b, nil); err != nil {
			t.Errorf("until its end: %v", err)
		}
	})
}

func TestOverrideValidate(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	valid := breaker.Override{
		Mode: breaker.OverrideOpen, By: strings.Repeat("b", breaker.MaxOverrideBy),
		Why: strings.Repeat("w", breaker.MaxOverrideWhy), Until: now.Add(breaker.MaxOverride),
	}
	if err := valid.Validate(now); err != nil {
		t.Errorf("at its limits: %v", err)
	}
	inAMoment := valid
	inAMoment.Until = now.Add(time.Millisecond)
	if err := inAMoment.Validate(now); err != nil {
		t.Errorf("an end in a millisecond: %v", err)
	}
	for rule, spoil := range map[string]func(*breaker.Override){
		"a mode is required":                    func(o *breaker.Override) { o.Mode = "" },
		"a mode is one of three":                func(o *breaker.Override) { o.Mode = "half_open" },
		"who is required":                       func(o *breaker.Override) { o.By = "" },
		"who is bounded":                        func(o *breaker.Override) { o.By += "b" },
		"who is text":                           func(o *breaker.Override) { o.By = "\xff" },
		"why is bounded":                        func(o *breaker.Override) { o.Why += "w" },
		"why is text":                           func(o *breaker.Override) { o.Why = "\xff" },
		"an end is required":                    func(o *breaker.Override) { o.Until = time.Time{} },
		"an end is ahead":                       func(o *breaker.Override) { o.Until = now },
		"an end is within a week":               func(o *breaker.Override) { o.Until = o.Until.Add(time.Millisecond) },
		"an end a thousand years on is invalid": func(o *breaker.Override) { o.Until = now.AddDate(1000, 0, 0) },
	} {
		o := valid
		spoil(&o)
		if o.Validate(now) == nil {
			t.Errorf("%s: %+v was accepted", rule, o)
		}
	}
}

func TestClearingRequiresABoundedName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		override(t, b, breaker.OverrideDisabled, time.Hour)
		store.counted()
		longest := strings.Repeat("b", breaker.MaxOverrideBy)
		for _, by := range []string{"", longest + "b", "\xff"} {
			if err := b.ClearOverride(context.Background(), by); err == nil {
				t.Errorf("%q was accepted", by)
			}
		}
		if reads, writes := store.counted(); reads+writes != 0 {
			t.Errorf("%d reads, %d writes", reads, writes)
		}
		if err := b.ClearOverride(context.Background(), longest); err != nil {
			t.Errorf("at its limit: %v", err)
		}
		wantHistory(t, b, "disabled cleared by "+longest, "disabled by ops: maintenance")
	})
}

func TestAnInvalidOverrideIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		if err := newBreaker(t, store, nil).SetOverride(context.Background(), breaker.Override{}); err == nil {
			t.Error("accepted")
		}
		if reads, writes := store.counted(); reads+writes != 0 {
			t.Errorf("%d reads, %d writes", reads, writes)
		}
	})
}
