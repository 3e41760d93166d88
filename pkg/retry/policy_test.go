package retry

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestDelay(t *testing.T) {
	base := Policy{MaxRetries: 3, BaseDelay: time.Second, MaxDelay: 10 * time.Second}
	with := func(change func(*Policy)) Policy { p := base; change(&p); return p }
	jittered := with(func(p *Policy) { p.Jitter = true })
	fixed := with(func(p *Policy) { p.Strategy = Fixed })
	tests := map[string]struct {
		policy Policy
		retry  int
		r      float64
		want   time.Duration
	}{
		"the first retry waits the base delay":       {base, 0, 0.9, time.Second},
		"the second waits twice that":                {base, 1, 0.9, 2 * time.Second},
		"the third waits four times that":            {base, 2, 0.9, 4 * time.Second},
		"the cap ends the doubling":                  {base, 4, 0.9, 10 * time.Second},
		"a retry too far to shift is capped":         {base, 4000, 0.9, 10 * time.Second},
		"a negative retry is the first":              {base, -1, 0.9, time.Second},
		"fixed never grows":                          {fixed, 7, 0.9, time.Second},
		"jitter goes down to 0.7":                    {jittered, 1, 0, 1400 * time.Millisecond},
		"jitter goes up to 1.3":                      {jittered, 1, 1, 2600 * time.Millisecond},
		"jitter in the middle changes nothing":       {jittered, 1, 0.5, 2 * time.Second},
		"the cap comes after the jitter: shortened":  {jittered, 3, 1, 10 * time.Second},
		"the cap comes after the jitter: left alone": {jittered, 3, 0, 5600 * time.Millisecond},
		"a random number out of range is clamped":    {jittered, 0, 7, 1300 * time.Millisecond},
		"the zero policy does not wait":              {Policy{}, 3, 0.5, 0},
		"without a cap above zero nothing waits":     {Policy{BaseDelay: time.Second}, 0, 0.5, 0},
		"the longest durations do not overflow": {
			Policy{BaseDelay: math.MaxInt64, MaxDelay: math.MaxInt64, Jitter: true}, 62, 1, math.MaxInt64},
	}
	for rule, tt := range tests {
		t.Run(rule, func(t *testing.T) {
			got := tt.policy.Delay(tt.retry, tt.r)
			if diff := (got - tt.want).Abs(); diff > time.Microsecond {
				t.Errorf("Delay(%d, %v) = %s, want %s", tt.retry, tt.r, got, tt.want)
			}
		})
	}
}

func TestDelayKeepsItsBounds(t *testing.T) {
	durations := []time.Duration{math.MinInt64, -1, 0, 1, time.Millisecond, time.Second, DurationLimit, math.MaxInt64 - 1, math.MaxInt64}
	numbers := []float64{math.Inf(-1), -1, 0, 1e-300, 0.5, math.Nextafter(1, 0), 1, 2, math.Inf(1), math.NaN()}
	retries := []int{math.MinInt, -1, 0, 1, 2, 30, 62, 63, 64, 1024, math.MaxInt}
	for _, base := range durations {
		for _, most := range durations {
			for _, strategy := range []Strategy{"", Exponential, Fixed, "?"} {
				p := Policy{BaseDelay: base, MaxDelay: most, Strategy: strategy, Jitter: true}
				for _, retry := range retries {
					for _, r := range numbers {
						if d := p.Delay(retry, r); d < 0 || d > max(most, 0) {
							t.Fatalf("%+v.Delay(%d, %v) = %d", p, retry, r, d)
						}
					}
				}
			}
		}
	}
}

func TestDelayGrowsWithRetryAndRandomNumber(t *testing.T) {
	p := Policy{BaseDelay: 300 * time.Millisecond, MaxDelay: 30 * time.Second, Jitter: true}
	for retry := range 12 {
		for i := range 100 {
			r := float64(i) / 100
			d := p.Delay(retry, r)
			if d > p.Delay(retry, r+0.01) || d > p.Delay(retry+1, r) {
				t.Fatalf("Delay(%d, %v) = %s is longer than its successors", retry, r, d)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	valid := Policy{MaxRetries: 3, BaseDelay: time.Second, MaxDelay: 10 * time.Second, Reserve: time.Second}
	tests := map[string]struct {
		change func(*Policy)
		want   []string // parts of the error
	}{
		"a usual policy is valid":            {func(*Policy) {}, nil},
		"the zero policy is valid":           {func(p *Policy) { *p = Policy{} }, nil},
		"fixed is a strategy":                {func(p *Policy) { p.Strategy = Fixed }, nil},
		"a negative number of retries":       {func(p *Policy) { p.MaxRetries = -1 }, []string{"max_retries -1"}},
		"too many retries":                   {func(p *Policy) { p.MaxRetries = 21 }, []string{"max_retries 21"}},
		"a base delay above the cap":         {func(p *Policy) { p.BaseDelay = time.Minute }, []string{"base_delay 1m0s: want 0s to 10s"}},
		"a negative delay":                   {func(p *Policy) { p.BaseDelay = -1 }, []string{"base_delay -1ns"}},
		"a cap beyond any invocation":        {func(p *Policy) { p.MaxDelay = time.Hour }, []string{"max_delay 1h0m0s: want 0s to 15m0s"}},
		"a negative reserve":                 {func(p *Policy) { p.Reserve = -1 }, []string{"reserve"}},
		"an unknown strategy":                {func(p *Policy) { p.Strategy = "linear" }, []string{`strategy "linear"`}},
		"every field that is wrong is named": {func(p *Policy) { p.MaxRetries, p.Strategy = -1, "x" }, []string{"max_retries", "strategy"}},
	}
	for rule, tt := range tests {
		t.Run(rule, func(t *testing.T) {
			p := valid
			tt.change(&p)
			err := p.Validate()
			if (err != nil) != (tt.want != nil) {
				t.Fatalf("Validate() = %v", err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("Validate() = %q, want it to contain %q", err, part)
				}
			}
		})
	}
}
