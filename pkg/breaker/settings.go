package breaker

import (
	"errors"
	"fmt"
	"time"
)

// Settings of one circuit. Every environment that shares the circuit, and
// every monitor, must run with the same. Zero fields take their defaults, so
// that no field can be set to 0. Durations count in whole milliseconds.
type Settings struct {
	// Name is the circuit's key in the store and in logs: 1 to 64 letters,
	// digits, '_', '-' or '.'. Required.
	Name string

	// FailureThreshold failed calls within FailureWindow open the circuit.
	// Default 5, 1 to 100. Each failure in the window is one element of the
	// stored item; at most 20 keep it under 1 KB, one write unit.
	FailureThreshold int
	// FailureWindow is how long a failure counts. Default 60 s, 1 s to 1 h.
	FailureWindow time.Duration
	// RecoveryTimeout is how long an open circuit rejects before it is tried
	// again. Default 30 s, 100 ms to 1 h.
	RecoveryTimeout time.Duration
	// SuccessThreshold successful probes in a row close it. Default 2, 1 to 100.
	SuccessThreshold int

	// OpenBackOff makes each opening of one outage so many times as long as
	// the one before, the first being RecoveryTimeout. Default 1, 1 to 10.
	OpenBackOff float64
	// MaxOpen is the longest opening, by OpenBackOff or because the dependency
	// said how long to stop (Outcome.OpenFor). Default 1 h, RecoveryTimeout to
	// 24 h.
	MaxOpen time.Duration
	// MinEnvironments is how many environments must have failed for the circuit
	// to open, so that one that is broken itself does not open it for all.
	// While the store is away an environment decides alone. Default 1, 1 to
	// FailureThreshold. With 2 or more, the item has room for
	// MinEnvironments × (FailureThreshold - MinEnvironments + 2) failures, at
	// most 100, and a failure costs up to two writes.
	MinEnvironments int

	// ProbeTimeout is the most a probe may take: the protected call's own
	// timeout. A call whose context ends sooner does not probe, unless none
	// has for a RecoveryTimeout: then it does with the time that it has.
	// Default 5 s, 10 ms to 15 min.
	ProbeTimeout time.Duration
	// MaxClockSkew is the largest deviation of one environment's clock from
	// true time under which no two probes overlap. Default 500 ms, 0 to 1 min;
	// negative means none.
	MaxClockSkew time.Duration

	// RefreshAfter is the age beyond which a closed record is read again beside
	// the call that uses it. Default 0.9 s, at most MaxAge.
	RefreshAfter time.Duration
	// MaxAge is the age beyond which a closed record is read before the call.
	// Default 1.2 s, at most 1 min. A negative MaxAge reads before every call,
	// for a dependency worth one read a call; RefreshAfter is then not looked
	// at.
	MaxAge time.Duration
	// StoreTimeout bounds one operation on the store. Default 300 ms, 10 ms
	// to 10 s.
	StoreTimeout time.Duration
	// PrimeTimeout bounds the first read, which has to dial, and each of
	// Stats, History, Override, SetOverride and ClearOverride. Default 1 s,
	// 10 ms to 10 s.
	PrimeTimeout time.Duration
}

// Default settings: what the field of the same name takes for 0. By
// RefreshAfter an environment reads a closed circuit at most 1.1 times a second.
const (
	DefaultFailureThreshold = 5
	DefaultFailureWindow    = 60 * time.Second
	DefaultRecoveryTimeout  = 30 * time.Second
	DefaultSuccessThreshold = 2
	DefaultOpenBackOff      = 1.0
	DefaultMaxOpen          = time.Hour
	DefaultMinEnvironments  = 1
	DefaultProbeTimeout     = 5 * time.Second
	DefaultMaxClockSkew     = 500 * time.Millisecond
	DefaultRefreshAfter     = 900 * time.Millisecond
	DefaultMaxAge           = 1200 * time.Millisecond
	DefaultStoreTimeout     = 300 * time.Millisecond
	DefaultPrimeTimeout     = time.Second
)

// WithDefaults gives the settings with every zero field at its default.
func (s Settings) WithDefaults() Settings {
	setDefault(&s.FailureThreshold, DefaultFailureThreshold)
	setDefault(&s.FailureWindow, DefaultFailureWindow)
	setDefault(&s.RecoveryTimeout, DefaultRecoveryTimeout)
	setDefault(&s.SuccessThreshold, DefaultSuccessThreshold)
	setDefault(&s.OpenBackOff, DefaultOpenBackOff)
	setDefault(&s.MaxOpen, DefaultMaxOpen)
	setDefault(&s.MinEnvironments, DefaultMinEnvironments)
	setDefault(&s.ProbeTimeout, DefaultProbeTimeout)
	setDefault(&s.MaxClockSkew, DefaultMaxClockSkew)
	if s.MaxClockSkew < 0 {
		s.MaxClockSkew = time.Nanosecond // none, and not the zero that asks for the default
	}
	setDefault(&s.RefreshAfter, DefaultRefreshAfter)
	setDefault(&s.MaxAge, DefaultMaxAge)
	setDefault(&s.StoreTimeout, DefaultStoreTimeout)
	setDefault(&s.PrimeTimeout, DefaultPrimeTimeout)
	return s
}

func setDefault[T int | float64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Validate reports every field that is out of its range, joined. It fills in
// no defaults: to it a zero field is 0. See WithDefaults.
func (s Settings) Validate() error {
	var errs []error
	if !validName(s.Name) {
		errs = append(errs, fmt.Errorf("name %q: want 1 to 64 letters, digits, '_', '-' or '.'", s.Name))
	}
	check := func(field string, value, low, high time.Duration) {
		if value < low || value > high {
			errs = append(errs, fmt.Errorf("%s %s: want %s to %s", field, value, low, high))
		}
	}
	count := func(field string, value int) {
		if value < 1 || value > 100 {
			errs = append(errs, fmt.Errorf("%s %d: want 1 to 100", field, value))
		}
	}
	count("failure_threshold", s.FailureThreshold)
	check("failure_window", s.FailureWindow, time.Second, time.Hour)
	check("recovery_timeout", s.RecoveryTimeout, 100*time.Millisecond, time.Hour)
	count("success_threshold", s.SuccessThreshold)
	if !(s.OpenBackOff >= 1 && s.OpenBackOff <= 10) {
		errs = append(errs, fmt.Errorf("open_back_off %g: want 1 to 10", s.OpenBackOff))
	}
	check("max_open", s.MaxOpen, s.RecoveryTimeout, 24*time.Hour)
	if s.MinEnvironments < 1 || s.MinEnvironments > s.FailureThreshold || s.failureRoom() > 100 {
		errs = append(errs, fmt.Errorf("min_environments %d: want 1 to failure_threshold, and room for at most 100 failures", s.MinEnvironments))
	}
	check("probe_timeout", s.ProbeTimeout, 10*time.Millisecond, 15*time.Minute)
	check("max_clock_skew", s.MaxClockSkew, 0, time.Minute)
	if s.MaxAge >= 0 {
		check("refresh_after", s.RefreshAfter, 0, s.MaxAge)
		check("max_age", s.MaxAge, 0, time.Minute)
	}
	check("store_timeout", s.StoreTimeout, 10*time.Millisecond, 10*time.Second)
	check("prime_timeout", s.PrimeTimeout, 10*time.Millisecond, 10*time.Second)
	if len(errs) > 0 {
		return fmt.Errorf("circuit settings: %w", errors.Join(errs...))
	}
	return nil
}

func validName(name string) bool {
	if len(name) < 1 || len(name) > 64 {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return true
}

// failureQuota is how many failures one environment keeps in the record, those
// that the others leave of the threshold.
func (s Settings) failureQuota() int { return s.FailureThreshold - s.MinEnvironments + 1 }

// failureRoom is how many failures the record holds. An environment adds one
// before it takes its oldest away, so that each needs one more than its quota.
func (s Settings) failureRoom() int {
	if s.MinEnvironments == 1 {
		return s.FailureThreshold
	}
	return s.MinEnvironments * (s.failureQuota() + 1)
}

// lease is how long a claim holds the probe slot: the probe itself, both
// clocks' deviation, and the time the claim's own write may take.
func (s Settings) lease() time.Duration {
	return s.ProbeTimeout + 2*s.MaxClockSkew + s.StoreTimeout
}
