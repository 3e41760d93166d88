package retry

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

var errUnavailable = errors.New("unavailable")

// slowDown is an error that asks for a wait.
type slowDown time.Duration

func (e slowDown) Error() string             { return "slow down" }
func (e slowDown) RetryAfter() time.Duration { return time.Duration(e) }

var threeRetries = Policy{MaxRetries: 3, BaseDelay: time.Second, MaxDelay: 10 * time.Second, Reserve: time.Second}

func TestDoTriesAndWaits(t *testing.T) {
	always := func(err error) []error { return []error{err, err, err, err, err} }
	longCap := threeRetries
	longCap.Jitter, longCap.MaxDelay = true, 1500*time.Millisecond
	tests := map[string]struct {
		policy   Policy
		deadline time.Duration // 0: none
		errs     []error       // of the tries in turn; nil after the last
		tries    int
		took     time.Duration
		err      error
	}{
		"a success is tried once":                        {threeRetries, 0, nil, 1, 0, nil},
		"a passing failure is retried after 1 s":         {threeRetries, 0, []error{errUnavailable}, 2, time.Second, nil},
		"retries wait 1, 2 and 4 s":                      {threeRetries, 0, always(errUnavailable), 4, 7 * time.Second, errUnavailable},
		"the zero policy tries once":                     {Policy{}, 0, always(errUnavailable), 1, 0, errUnavailable},
		"Retry-After lengthens a delay":                  {threeRetries, 0, []error{slowDown(5 * time.Second)}, 2, 5 * time.Second, nil},
		"Retry-After does not shorten one":               {threeRetries, 0, []error{slowDown(time.Millisecond)}, 2, time.Second, nil},
		"Retry-After of zero does not mean now":          {threeRetries, 0, []error{slowDown(0)}, 2, time.Second, nil},
		"a negative Retry-After is ignored":              {threeRetries, 0, []error{slowDown(-time.Hour)}, 2, time.Second, nil},
		"the cap does not shorten Retry-After":           {threeRetries, 0, []error{slowDown(time.Minute)}, 2, time.Minute, nil},
		"jitter and its cap do not shorten Retry-After":  {longCap, 0, []error{slowDown(3 * time.Second)}, 2, 3 * time.Second, nil},
		"Retry-After counts where it is wrapped":         {threeRetries, 0, []error{fmt.Errorf("call: %w", slowDown(5*time.Second))}, 2, 5 * time.Second, nil},
		"a wait that just leaves the reserve is made":    {threeRetries, 2 * time.Second, []error{errUnavailable}, 2, time.Second, nil},
		"a wait into the reserve is not begun":           {threeRetries, 2*time.Second - 1, always(errUnavailable), 1, 0, errUnavailable},
		"the deadline ends a loop between its retries":   {threeRetries, 6 * time.Second, always(errUnavailable), 3, 3 * time.Second, errUnavailable},
		"Retry-After beyond the deadline is not waited":  {threeRetries, time.Minute, always(slowDown(1847 * time.Second)), 1, 0, slowDown(1847 * time.Second)},
		"the longest Retry-After there is does not wrap": {threeRetries, time.Minute, always(slowDown(math.MaxInt64)), 1, 0, slowDown(math.MaxInt64)},
	}
	for rule, tt := range tests {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.deadline != 0 {
					bounded, cancel := context.WithTimeout(ctx, tt.deadline)
					defer cancel()
					ctx = bounded
				}
				start, made := time.Now(), 0
				tries, err := Do(ctx, tt.policy, Options{}, func(context.Context) error {
					made++
					if made > len(tt.errs) {
						return nil
					}
					return tt.errs[made-1]
				})
				if tries != tt.tries || made != tt.tries {
					t.Errorf("tries = %d, made %d, want %d", tries, made, tt.tries)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				if !errors.Is(err, tt.err) {
					t.Errorf("err = %v, want %v", err, tt.err)
				}
			})
		})
	}
}

func TestDoJittersEachDelay(t *testing.T) {
	p := threeRetries
	p.Jitter = true
	numbers := []float64{0, 0.5, 1}
	var slept []time.Duration
	o := Options{
		Rand:  func() float64 { r := numbers[0]; numbers = append(numbers[1:], 0); return r },
		Sleep: func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil },
	}
	_, _ = Do(t.Context(), p, o, func(context.Context) error { return errUnavailable })
	want := []time.Duration{700 * time.Millisecond, 2 * time.Second, 5200 * time.Millisecond}
	if len(slept) != len(want) {
		t.Fatalf("slept %v, want %v", slept, want)
	}
	for i, d := range slept {
		if (d - want[i]).Abs() > time.Microsecond {
			t.Errorf("delay %d = %s, want %s", i, d, want[i])
		}
	}
}

func TestDoDoesNotRetryWhatIsNotRetryable(t *testing.T) {
	o := Options{Retryable: func(err error) bool { return !errors.Is(err, errUnavailable) }}
	tries, err := Do(t.Context(), threeRetries, o, func(context.Context) error { return errUnavailable })
	if tries != 1 || err != errUnavailable {
		t.Errorf("Do = %d, %v, want one try and its error", tries, err)
	}
}

func TestDoStopsWhenContinueSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, asked := time.Now(), 0
		o := Options{Continue: func(context.Context) error {
			asked++
			if asked == 2 {
				return errors.New("circuit open")
			}
			return nil
		}}
		tries, err := Do(t.Context(), threeRetries, o, func(context.Context) error { return errUnavailable })
		if tries != 2 || err != errUnavailable {
			t.Errorf("Do = %d, %v, want 2 tries and their own error", tries, err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("asked after %s, want after both back-offs, 3 s", took)
		}
	})
}

func TestDoTellsOfEachRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		o := Options{OnRetry: func(_ context.Context, retry int, delay time.Duration, err error) {
			told = append(told, fmt.Sprintf("%d %s %v", retry, delay, err))
		}}
		_, _ = Do(t.Context(), threeRetries, o, func(context.Context) error { return errUnavailable })
		if got, want := fmt.Sprint(told), "[1 1s unavailable 2 2s unavailable 3 4s unavailable]"; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	})
}

func TestDoReturnsPromptlyWhenCancelledDuringABackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		start := time.Now()
		tries, err := Do(ctx, threeRetries, Options{}, func(context.Context) error { return errUnavailable })
		if tries != 1 || time.Since(start) != 300*time.Millisecond {
			t.Errorf("returned after %d tries and %s, want 1 and 300ms", tries, time.Since(start))
		}
		if !errors.Is(err, errUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want both the call's error and the cancellation", err)
		}
	})
}

func TestDoDoesNotRetryOnceItsContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tries, err := Do(ctx, threeRetries, Options{}, func(context.Context) error { cancel(); return errUnavailable })
	if tries != 1 || err != errUnavailable {
		t.Errorf("Do = %d, %v, want one try and its error", tries, err)
	}
}
