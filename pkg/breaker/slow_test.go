package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// takes makes a call that succeeds after a time.
func takes(b *breaker.Breaker, d time.Duration) error {
	return b.Do(context.Background(), func(context.Context, *breaker.Permit) error {
		time.Sleep(d)
		return nil
	})
}

// configured returns a breaker with changes to its configuration.
func configured(t *testing.T, change func(*breaker.Config)) *breaker.Breaker {
	t.Helper()
	c := breaker.Config{Settings: settings, Store: newStore()}
	change(&c)
	return newBreakerWith(t, c, nil)
}

func TestSlowCallsCountAsFailures(t *testing.T) {
	for rule, c := range map[string]struct {
		limit, took time.Duration
		opens       bool
	}{
		"a success in time counts as one": {time.Second, time.Second, false},
		"a later one is a failure":        {time.Second, time.Second + time.Millisecond, true},
		"without a limit none is":         {0, 4 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var opened breaker.Transition
			b := configured(t, func(c2 *breaker.Config) {
				c2.Settings.SlowCall = c.limit
				c2.Observer.Transition = func(_ context.Context, t breaker.Transition) { opened = t }
			})
			for range 5 {
				_ = takes(b, c.took)
			}
			if opens := opened.To == breaker.Open; opens != c.opens || opens && opened.Reason != breaker.ReasonSlow {
				t.Errorf("%s: %+v", rule, opened)
			}
		})
	}
}

func TestASlowProbeReopens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := configured(t, func(c *breaker.Config) { c.Settings.SlowCall = time.Second })
		failTimes(b, 5)
		time.Sleep(b.Settings().RecoveryTimeout)
		if err := takes(b, 2*time.Second); err != nil {
			t.Fatalf("the probe: %v", err)
		}
		wantState(t, b, breaker.Open)
	})
}

// A recovery ramp rejects most calls at first and none at its end, and never
// admits one that the circuit would reject.
func TestTheRampAdmitsMoreAndMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := configured(t, func(c *breaker.Config) {
			c.Settings.RecoveryRamp = 10 * time.Second
		})
		failTimes(b, 5)
		time.Sleep(b.Settings().RecoveryTimeout)
		for b.Do(context.Background(), func(context.Context, *breaker.Permit) error { return nil }) == nil {
			if s, err := b.Stats(context.Background()); err != nil || s.State == breaker.Closed {
				break
			}
			time.Sleep(300 * time.Millisecond)
		}
		wantState(t, b, breaker.Closed)
		admitted := func() int {
			n := 0
			for range 2_000 {
				var open *breaker.OpenError
				switch err := call(b, nil); {
				case err == nil:
					n++
				case !errors.As(err, &open) || open.Reason != breaker.ReasonRecovering || open.State != breaker.HalfOpen:
					t.Fatalf("rejected by %v", err)
				}
			}
			return n
		}
		if n := admitted(); n < 100 || n > 400 {
			t.Errorf("%d of 2,000 admitted at first, want a tenth", n)
		}
		time.Sleep(5 * time.Second)
		if n := admitted(); n < 900 || n > 1_300 {
			t.Errorf("%d of 2,000 admitted half-way, want 55 %%", n)
		}
		time.Sleep(6 * time.Second)
		if n := admitted(); n != 2_000 {
			t.Errorf("%d of 2,000 admitted after the ramp", n)
		}
	})
}
