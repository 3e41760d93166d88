package properties

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coldfuse/coldfuse/pkg/retry"
)

func drawPolicy(t *rapid.T) retry.Policy {
	longest := time.Duration(rapid.Int64Range(0, int64(retry.DurationLimit)).Draw(t, "max delay"))
	return retry.Policy{
		MaxRetries: rapid.IntRange(0, retry.RetryLimit).Draw(t, "retries"),
		MaxDelay:   longest,
		BaseDelay:  time.Duration(rapid.Int64Range(0, int64(longest)).Draw(t, "base delay")),
		Strategy:   rapid.SampledFrom([]retry.Strategy{"", retry.Exponential, retry.Fixed}).Draw(t, "strategy"),
		Jitter:     rapid.Bool().Draw(t, "jitter"),
		Reserve:    time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "reserve")),
	}
}

// backOff is the delay before a retry without jitter, by doubling.
func backOff(p retry.Policy, number int) time.Duration {
	delay := p.BaseDelay
	for range number {
		if p.Strategy != retry.Fixed && delay <= p.MaxDelay {
			delay *= 2
		}
	}
	return min(delay, p.MaxDelay)
}

func TestDelayLiesInJittersRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		number := rapid.IntRange(0, retry.RetryLimit).Draw(t, "number")
		got := p.Delay(number, rapid.Float64Range(0, 1).Draw(t, "random"))
		low, high := backOff(p, number), backOff(p, number)
		if p.Jitter {
			low, high = low*7/10, min(high+high/10*3+10, p.MaxDelay)
		}
		// In floating point the last digits of long delays are lost.
		slack := time.Duration(float64(high) * 1e-12)
		if got < low-slack-1 || got > high+slack {
			t.Errorf("retry %d after %s, want %s to %s", number, got, low, high)
		}
	})
}

func TestDelayIsNeverNegativeNorLongerThanAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := retry.Policy{
			BaseDelay: time.Duration(rapid.Int64().Draw(t, "base delay")),
			MaxDelay:  time.Duration(rapid.Int64().Draw(t, "max delay")),
			Jitter:    rapid.Bool().Draw(t, "jitter"),
		}
		random := rapid.OneOf(rapid.Float64(), rapid.Just(math.NaN()), rapid.Just(math.Inf(1))).Draw(t, "random")
		if got := p.Delay(rapid.Int().Draw(t, "number"), random); got < 0 || got > max(p.MaxDelay, 0) {
			t.Errorf("delay %s of at most %s", got, p.MaxDelay)
		}
	})
}

// failedTry is the error of a try. It may name a time to wait.
type failedTry struct {
	final bool
	after time.Duration
	took  time.Duration
}

func (r *failedTry) Error() string             { return "failed" }
func (r *failedTry) RetryAfter() time.Duration { return r.after }

func drawFailure(t *rapid.T) *failedTry {
	seconds := func(name string, high int) time.Duration {
		return time.Duration(rapid.IntRange(0, high).Draw(t, name)) * time.Second
	}
	return &failedTry{
		final: rapid.IntRange(0, 9).Draw(t, "final") == 0,
		after: seconds("retry after", 30) * time.Duration(rapid.IntRange(0, 1).Draw(t, "asks")),
		took:  seconds("takes", 5),
	}
}

// loop is one run of retry.Do, with the times of its tries.
type loop struct {
	policy       retry.Policy
	deadline     time.Time // zero: none
	failures     []*failedTry
	begun, ended []time.Time
}

func (l *loop) try(context.Context) error {
	r := l.failures[len(l.begun)%len(l.failures)]
	l.begun = append(l.begun, time.Now())
	time.Sleep(r.took)
	l.ended = append(l.ended, time.Now())
	return fmt.Errorf("try %d: %w", len(l.begun), r)
}

func TestLoopKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			l := &loop{policy: drawPolicy(t)}
			l.failures = rapid.SliceOfN(rapid.Custom(drawFailure), 1, 5).Draw(t, "failures")
			ctx, cancel := context.WithCancel(t.Context())
			if rapid.Bool().Draw(t, "bounded") {
				l.deadline = time.Now().Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "seconds")) * time.Second)
				ctx, cancel = context.WithDeadline(ctx, l.deadline)
			}
			defer cancel()
			tries, err := retry.Do(ctx, l.policy, retry.Options{
				Retryable: func(err error) bool {
					var r *failedTry
					return errors.As(err, &r) && !r.final
				},
			}, l.try)
			l.check(t, tries, err)
		})
	})
}

func (l *loop) check(t *rapid.T, tries int, err error) {
	if tries != len(l.begun) || tries > l.policy.MaxRetries+1 {
		t.Fatalf("%d tries returned, %d made, %d allowed", tries, len(l.begun), l.policy.MaxRetries+1)
	}
	last := l.failures[(tries-1)%len(l.failures)]
	if !errors.Is(err, last) {
		t.Errorf("ended with %v, not with what went wrong last", err)
	}
	for i := 1; i < tries; i++ {
		l.checkWait(t, i)
	}
	if tries > l.policy.MaxRetries || last.final {
		return
	}
	low, _ := l.wait(tries)
	left := time.Until(l.deadline)
	if l.deadline.IsZero() || left > 0 && low*2 <= left-l.policy.Reserve {
		t.Errorf("gave up after %d tries with %s left and a wait of %s", tries, left, low)
	}
}

// checkWait compares the wait before a retry, counted from 1, with what the
// failure before it asked for.
func (l *loop) checkWait(t *rapid.T, number int) {
	low, high := l.wait(number)
	if waited := l.begun[number].Sub(l.ended[number-1]); waited < low-1 || waited > high+1 {
		t.Errorf("waited %s before retry %d, want %s to %s", waited, number, low, high)
	}
	if latest := l.deadline.Add(-l.policy.Reserve); !l.deadline.IsZero() && l.begun[number].After(latest) {
		t.Errorf("retry %d began %s into the reserve", number, l.begun[number].Sub(latest))
	}
	if l.failures[(number-1)%len(l.failures)].final {
		t.Errorf("retry %d after a failure that is final", number)
	}
}

func (l *loop) wait(number int) (low, high time.Duration) {
	low, high = backOff(l.policy, number-1), backOff(l.policy, number-1)
	if l.policy.Jitter {
		low, high = low*7/10, min(high+high/10*3+10, l.policy.MaxDelay)
	}
	asked := l.failures[(number-1)%len(l.failures)].after
	return max(low, asked), max(high, asked)
}
