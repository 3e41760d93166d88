package guard

import (
	"testing"
	"time"
)

func TestProfiles(t *testing.T) {
	type numbers struct {
		retries         int
		base, most      time.Duration
		circuit         bool
		failures        int
		window, recover time.Duration
		successes       int
	}
	const ms, s = time.Millisecond, time.Second
	tests := map[string]numbers{
		"default":      {3, s, 10 * s, true, 5, 60 * s, 30 * s, 2},
		"high_traffic": {3, s, 10 * s, true, 10, 30 * s, 15 * s, 2},
		"critical":     {5, 2 * s, 30 * s, true, 5, 60 * s, 30 * s, 2},
		"database":     {3, 300 * ms, 3 * s, true, 5, 60 * s, 30 * s, 2},
		"sessions":     {3, 500 * ms, 5 * s, false, 0, 0, 0, 0},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := ProfileNamed(name)
			if err != nil {
				t.Fatal(err)
			}
			got := numbers{
				p.Retry.MaxRetries, p.Retry.BaseDelay, p.Retry.MaxDelay, p.HasCircuit,
				p.Circuit.FailureThreshold, p.Circuit.FailureWindow, p.Circuit.RecoveryTimeout, p.Circuit.SuccessThreshold,
			}
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			if !p.Retry.Jitter || p.Retry.Reserve != Reserve {
				t.Errorf("%+v: want jitter and the reserve", p.Retry)
			}
			if err := p.Retry.Validate(); err != nil {
				t.Error(err)
			}
			if p.HasCircuit && p.Circuit.FailureRate != 0.2 {
				t.Errorf("tolerates a failure rate of %g", p.Circuit.FailureRate)
			}
			p.Circuit.Name = "jira_api"
			if err := p.Circuit.Validate(); p.HasCircuit && err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUnknownProfileIsAnError(t *testing.T) {
	for _, name := range []string{"", "Default", "fast"} {
		if _, err := ProfileNamed(name); err == nil {
			t.Errorf("ProfileNamed(%q) gave one", name)
		}
	}
}

func TestBudget(t *testing.T) {
	const function = 29 * time.Second // behind an HTTP API
	tests := map[string]struct {
		want time.Duration // with tries of 4 s
		fits bool
	}{
		"default":      {26_100 * time.Millisecond, true}, // 4×4 + (1+2+4)×1.3 + 1
		"high_traffic": {26_100 * time.Millisecond, true},
		"database":     {19_730 * time.Millisecond, true},
		"sessions":     {21_550 * time.Millisecond, true},
		"critical":     {94 * time.Second, false}, // 6×4 + (2+4+8+16)×1.3 + 30 + 1
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := ProfileNamed(name)
			if err != nil {
				t.Fatal(err)
			}
			got := Budget(p.Retry, 4*time.Second)
			if got != tt.want || (got <= function) != tt.fits {
				t.Errorf("Budget = %s, want %s", got, tt.want)
			}
		})
	}
}
