package breaker

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	want := Settings{
		Name: "c", FailureThreshold: 5, FailureWindow: time.Minute, RecoveryTimeout: 30 * time.Second, SuccessThreshold: 2,
		OpenBackOff: 1, MaxOpen: time.Hour, MinEnvironments: 1, ProbeTimeout: 5 * time.Second, MaxClockSkew: 500 * time.Millisecond,
		RefreshAfter: 900 * time.Millisecond, MaxAge: 1200 * time.Millisecond, StoreTimeout: 300 * time.Millisecond, PrimeTimeout: time.Second,
	}
	if got := (Settings{Name: "c"}).WithDefaults(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if HistoryAge.Hours() != 720 || MaxOverride.Hours() != 168 {
		t.Errorf("a history is kept for %s, an override lasts %s at most", HistoryAge, MaxOverride)
	}
}

func TestEverySettingIsAcceptedAtItsLimitsAndNotBeyond(t *testing.T) {
	durations := func(low, high time.Duration, set func(*Settings, time.Duration)) limits {
		return limits{float64(low), float64(high), 1, func(s *Settings, v float64) { set(s, time.Duration(v)) }}
	}
	counts := func(low, high int, set func(*Settings, int)) limits {
		return limits{float64(low), float64(high), 1, func(s *Settings, v float64) { set(s, int(v)) }}
	}
	for setting, l := range map[string]limits{
		"failure_threshold": counts(1, 100, func(s *Settings, v int) { s.FailureThreshold = v }),
		"success_threshold": counts(1, 100, func(s *Settings, v int) { s.SuccessThreshold = v }),
		"min_environments":  counts(1, 5, func(s *Settings, v int) { s.MinEnvironments = v }),
		"failure_window":    durations(time.Second, time.Hour, func(s *Settings, v time.Duration) { s.FailureWindow = v }),
		"recovery_timeout":  durations(100*time.Millisecond, time.Hour, func(s *Settings, v time.Duration) { s.RecoveryTimeout = v }),
		"max_open":          durations(30*time.Second, 24*time.Hour, func(s *Settings, v time.Duration) { s.MaxOpen = v }),
		"open_back_off":     {1, 10, 1e-9, func(s *Settings, v float64) { s.OpenBackOff = v }},
		"probe_timeout":     durations(10*time.Millisecond, 15*time.Minute, func(s *Settings, v time.Duration) { s.ProbeTimeout = v }),
		"max_clock_skew":    durations(0, time.Minute, func(s *Settings, v time.Duration) { s.MaxClockSkew = v }),
		"refresh_after":     durations(0, 1200*time.Millisecond, func(s *Settings, v time.Duration) { s.RefreshAfter = v }),
		"max_age":           durations(900*time.Millisecond, time.Minute, func(s *Settings, v time.Duration) { s.MaxAge = v }),
		"store_timeout":     durations(10*time.Millisecond, 10*time.Second, func(s *Settings, v time.Duration) { s.StoreTimeout = v }),
		"prime_timeout":     durations(10*time.Millisecond, 10*time.Second, func(s *Settings, v time.Duration) { s.PrimeTimeout = v }),
	} {
		for value, ok := range map[float64]bool{l.low: true, l.high: true, l.low - l.step: false, l.high + l.step: false} {
			s := Settings{Name: "c"}.WithDefaults()
			l.set(&s, value)
			if err := s.Validate(); (err == nil) != ok {
				t.Errorf("%s %g: %v", setting, value, err)
			}
		}
	}
	for threshold, ok := range map[int]bool{50: true, 51: false} { // room for 2 × 50 and for 2 × 51 failures
		if err := (Settings{Name: "c", FailureThreshold: threshold, MinEnvironments: 2}).WithDefaults().Validate(); (err == nil) != ok {
			t.Errorf("of %d failures in two environments: %v", threshold, err)
		}
	}
	never := Settings{Name: "c", MaxAge: -1, RefreshAfter: time.Hour}.WithDefaults()
	if err := never.Validate(); err != nil {
		t.Errorf("where each call reads first, the refresh does not matter: %v", err)
	}
	zero := Settings{Name: "c", RefreshAfter: -1}.WithDefaults()
	if zero.MaxAge = 0; zero.Validate() == nil {
		t.Error("a MaxAge of 0 leaves no room for a negative refresh")
	}
}

func TestEverySettingOutOfRangeIsAFieldError(t *testing.T) {
	s := Settings{Name: "a b", FailureThreshold: 101, MaxOpen: time.Second}.WithDefaults()
	joined, ok := s.Validate().(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("not joined: %v", s.Validate())
	}
	var got []FieldError
	for _, err := range joined.Unwrap() {
		var field *FieldError
		if !errors.As(err, &field) {
			t.Fatalf("%T is not a *FieldError", err)
		}
		got = append(got, *field)
	}
	want := []FieldError{
		{Field: "name", Value: "a b", Rule: "1 to 64 letters, digits, '_', '-' or '.'"},
		{Field: "failure_threshold", Value: 101, Low: 1, High: 100},
		{Field: "max_open", Value: time.Second, Low: 30 * time.Second, High: 24 * time.Hour},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if text := want[2].Error(); text != "circuit setting max_open 1s: want 30s to 24h0m0s" {
		t.Error(text)
	}
}

func TestAWrongSettingIsNotALimitOfAnother(t *testing.T) {
	for field, s := range map[string]Settings{
		"failure_threshold": {FailureThreshold: -1, MinEnvironments: 2},
		"recovery_timeout":  {RecoveryTimeout: 2 * time.Hour},
		"max_age":           {MaxAge: 2 * time.Minute, RefreshAfter: time.Second},
	} {
		s.Name = "c"
		var wrong *FieldError
		err := s.WithDefaults().Validate()
		if !errors.As(err, &wrong) || wrong.Field != field || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestProbeBudgetIsTheProbeAndTheWaitForItsClaim(t *testing.T) {
	if got := (Settings{ProbeTimeout: 5 * time.Second}).ProbeBudget(); got != 5250*time.Millisecond {
		t.Error(got)
	}
}

// limits are the least and the greatest value of a setting, and how far the
// next is.
type limits struct {
	low, high, step float64
	set             func(*Settings, float64)
}

func TestValidName(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "z": true, "A": true, "Z": true, "0": true, "9": true, "_": true, "-": true, ".": true,
		"`": false, "{": false, "@": false, "[": false, "/": false, ":": false, "a b": false, "ä": false,
		"": false, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
	} {
		if validName(name) != ok {
			t.Errorf("%q: %v", name, !ok)
		}
	}
}

func TestFailureCapacity(t *testing.T) {
	for _, c := range []struct{ threshold, environments, quota, room int }{
		{5, 1, 5, 5}, {5, 2, 4, 10}, {5, 3, 3, 12}, {5, 5, 1, 10}, {1, 1, 1, 1},
	} {
		s := Settings{FailureThreshold: c.threshold, MinEnvironments: c.environments}
		if s.failureQuota() != c.quota || s.failureCapacity() != c.room {
			t.Errorf("%+v: quota %d, room %d", c, s.failureQuota(), s.failureCapacity())
		}
	}
}

func TestNoSkewIsNoSkew(t *testing.T) {
	if s := (Settings{MaxClockSkew: -math.MaxInt64}).WithDefaults(); ms(s.MaxClockSkew) != 0 || s.MaxClockSkew == 0 {
		t.Errorf("got %s", s.MaxClockSkew)
	}
}

func TestSettings(t *testing.T) {
	valid := Settings{Name: "jira_api"}.WithDefaults()
	if err := valid.Validate(); err != nil {
		t.Errorf("the defaults are valid: %v", err)
	}
	for rule, spoil := range map[string]func(*Settings){
		"a name is required":                  func(s *Settings) { s.Name = "" },
		"a name has no spaces":                func(s *Settings) { s.Name = "jira api" },
		"a threshold is positive":             func(s *Settings) { s.FailureThreshold = -1 },
		"a threshold is at most 100":          func(s *Settings) { s.FailureThreshold = 101 },
		"a window is at least a second":       func(s *Settings) { s.FailureWindow = time.Millisecond },
		"a recovery time is bounded":          func(s *Settings) { s.RecoveryTimeout = 2 * time.Hour },
		"successes are positive":              func(s *Settings) { s.SuccessThreshold = -2 },
		"a back-off does not shrink":          func(s *Settings) { s.OpenBackOff = 0.5 },
		"a back-off is a number":              func(s *Settings) { s.OpenBackOff = math.NaN() },
		"a back-off is bounded":               func(s *Settings) { s.OpenBackOff = 11 },
		"max_open is at least one recovery":   func(s *Settings) { s.MaxOpen = s.RecoveryTimeout - 1 },
		"max_open is bounded":                 func(s *Settings) { s.MaxOpen = 25 * time.Hour },
		"environments are positive":           func(s *Settings) { s.MinEnvironments = -1 },
		"environments are within threshold":   func(s *Settings) { s.MinEnvironments = 6 },
		"environments' failures have room":    func(s *Settings) { s.FailureThreshold, s.MinEnvironments = 50, 3 },
		"a probe takes some time":             func(s *Settings) { s.ProbeTimeout = time.Millisecond },
		"a skew is bounded":                   func(s *Settings) { s.MaxClockSkew = time.Hour },
		"a refresh comes before the hard age": func(s *Settings) { s.RefreshAfter = 2 * s.MaxAge },
		"a store operation takes some time":   func(s *Settings) { s.StoreTimeout = time.Microsecond },
		"a first read is bounded":             func(s *Settings) { s.PrimeTimeout = time.Minute },
	} {
		s := valid
		spoil(&s)
		if s.Validate() == nil {
			t.Errorf("%s: %+v was accepted", rule, s)
		}
	}
}

func TestWithDefaultsIsIdempotent(t *testing.T) {
	for _, given := range []Settings{{}, {MaxClockSkew: -1, MaxAge: -1, OpenBackOff: 2}} {
		once := given.WithDefaults()
		if twice := once.WithDefaults(); twice != once {
			t.Errorf("%+v, then %+v", once, twice)
		}
	}
}

func TestLeaseCoversProbeSkewAndWrite(t *testing.T) {
	s := Settings{ProbeTimeout: 4 * time.Second, MaxClockSkew: -1}.WithDefaults()
	if got := s.lease().Truncate(time.Millisecond); got != 4300*time.Millisecond {
		t.Errorf("without skew a lease is probe and write: %s", got)
	}
}
