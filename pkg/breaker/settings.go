package breaker

import (
	"errors"
	"fmt"
	"time"
)

// Settings configures one circuit. All environments that share the circuit, and
// all monitors, must use the same settings. A zero field has its default, so no
// field can be set to 0. Durations are cut to whole milliseconds.
type Settings struct {
	// Name is the circuit's key in the store and in logs: 1 to 64 letters,
	// digits, '_', '-' or '.'. Required.
	Name string

	// FailureThreshold is how many failed calls within FailureWindow open the
	// circuit. Default 5, 1 to 100. The item stores each failure in the window;
	// with at most 20 it stays under 1 KB, one write unit.
	FailureThreshold int
	// FailureWindow is how long a failure counts. Default 60 s, 1 s to 1 h.
	FailureWindow time.Duration
	// RecoveryTimeout is how long an open circuit rejects before the first probe.
	// Default 30 s, 100 ms to 1 h.
	RecoveryTimeout time.Duration
	// SuccessThreshold is how many successful probes in a row close the circuit.
	// Default 2, 1 to 100.
	SuccessThreshold int

	// FailureRate is the share of failing calls that is tolerated. The rule is a
	// token bucket that the fleet shares: a failure takes one token of
	// FailureThreshold, a success returns rate / (1 - rate) of one, and an empty
	// bucket opens the circuit; at 0.2 four successes make up for one failure. In a
	// half-open round a failed probe is tolerated if the round's successes make up
	// for it. While there is a failure in the window, a sample of the calls is
	// counted in the store, on average at most 200 of each kind a minute. The rate is
	// judged over FailureWindow, or 10 s if that is shorter. Default 0: only
	// FailureThreshold counts, and a success costs nothing. At most 0.9. All
	// environments must run a version that counts before it is set: those that do
	// not, add failures only.
	FailureRate float64
	// SlowCall is the time after which a success counts as a failure, for the
	// reason ReasonSlow, measured from admission to Done. Default 0: never. At most
	// ProbeTimeout.
	SlowCall time.Duration
	// RecoveryRamp is the time in which the share of admitted calls grows from a
	// tenth to all after the circuit has closed, for a dependency that comes back
	// with part of its capacity. The others are rejected with ReasonRecovering.
	// Default 0: all at once. At most 10 min.
	RecoveryRamp time.Duration

	// OpenBackOff is the factor by which each opening in an outage is longer than
	// the one before. The first lasts RecoveryTimeout. Default 1, 1 to 10.
	OpenBackOff float64
	// MaxOpen is the longest opening, by OpenBackOff or by Outcome.OpenFor.
	// Default 1 h, RecoveryTimeout to 24 h.
	MaxOpen time.Duration
	// MinEnvironments is how many environments must have a failed call for the
	// circuit to open, so that a broken environment does not open it for all.
	// During a store outage an environment decides alone. Default 1, 1 to
	// FailureThreshold. With 2 or more, the item has room for
	// MinEnvironments × (FailureThreshold - MinEnvironments + 2) failures, at
	// most 100, and a failure costs up to two writes.
	MinEnvironments int

	// ProbeTimeout is the longest a probe may take: the protected call's own
	// timeout. A call with less time left does not probe, unless a probe has been
	// due for RecoveryTimeout: then it probes with the time it has. Default 5 s,
	// 10 ms to 15 min. A probe that takes all of it and fails makes the next one's
	// limit twice as long, within its caller's deadline, and the first of an outage
	// is repeated after a quarter of the opening's time: good answers may have
	// become slower. If the prober dies, nobody probes until its lease ends:
	// ProbeTimeout, two MaxClockSkew and a StoreTimeout after its claim. That is
	// the price of no two probes at once; a smaller MaxClockSkew lowers it.
	ProbeTimeout time.Duration
	// MaxClockSkew is the largest deviation of an environment's clock from true
	// time at which no two probes overlap. Default 500 ms, 0 to 1 min; a negative
	// value means 0.
	MaxClockSkew time.Duration

	// RefreshAfter is the age after which a closed record is read again in the
	// background of the call that uses it. Default 0.9 s, at most MaxAge.
	RefreshAfter time.Duration
	// MaxAge is the age after which a closed record is read before the call.
	// Default 1.2 s, at most 1 min. With a negative MaxAge every call reads first:
	// one more read per call, for a faster reaction. RefreshAfter is then ignored.
	MaxAge time.Duration
	// StoreTimeout bounds one operation on the store. Default 300 ms, 10 ms
	// to 10 s.
	StoreTimeout time.Duration
	// PrimeTimeout bounds the first read, which has to dial, and each call of
	// Stats, History, Override, SetOverride and ClearOverride. Default 1 s,
	// 10 ms to 10 s.
	PrimeTimeout time.Duration
}

// Defaults of the fields of the same name. With DefaultRefreshAfter an environment
// reads a closed circuit at most 1.1 times a second.
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

// WithDefaults returns the settings with every zero field set to its default.
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
		s.MaxClockSkew = time.Nanosecond // 0 ms, but not the zero that asks for the default
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

// FieldError is a setting that is out of range. See Settings.Validate.
type FieldError struct {
	Field     string // the setting in snake case, such as "failure_threshold"
	Value     any    // int, float64, time.Duration or string, as the field's type
	Low, High any    // the range, both included, in Value's type; nil if Rule is set
	Rule      string // what the value must be, if that is not a range
}

// Error names the setting, its value and what it must be.
func (e *FieldError) Error() string {
	if e.Rule != "" {
		return fmt.Sprintf("circuit setting %s %v: want %s", e.Field, e.Value, e.Rule)
	}
	return fmt.Sprintf("circuit setting %s %v: want %v to %v", e.Field, e.Value, e.Low, e.High)
}

// Validate returns a *FieldError for every setting that is out of range, joined
// with errors.Join, or nil. It fills in no defaults: see WithDefaults. A limit
// that depends on another setting is checked only if that one is in range.
func (s Settings) Validate() error {
	var errs []error
	if !validName(s.Name) {
		errs = append(errs, &FieldError{Field: "name", Value: s.Name, Rule: "1 to 64 letters, digits, '_', '-' or '.'"})
	}
	environments, shortestOpen, maxRefresh := maxFailures, 100*time.Millisecond, time.Minute
	thresholdOK := inRange(&errs, "failure_threshold", s.FailureThreshold, 1, maxFailures)
	if thresholdOK {
		environments = s.FailureThreshold
	}
	inRange(&errs, "failure_rate", s.FailureRate, 0, 0.9)
	inRange(&errs, "failure_window", s.FailureWindow, time.Second, time.Hour)
	if inRange(&errs, "recovery_timeout", s.RecoveryTimeout, shortestOpen, time.Hour) {
		shortestOpen = s.RecoveryTimeout
	}
	inRange(&errs, "success_threshold", s.SuccessThreshold, 1, 100)
	inRange(&errs, "open_back_off", s.OpenBackOff, 1, 10)
	inRange(&errs, "max_open", s.MaxOpen, shortestOpen, 24*time.Hour)
	environmentsOK := inRange(&errs, "min_environments", s.MinEnvironments, 1, environments)
	if thresholdOK && environmentsOK && s.failureCapacity() > maxFailures {
		errs = append(errs, &FieldError{Field: "min_environments", Value: s.MinEnvironments, Rule: fmt.Sprintf(
			"room for at most %d failures: failure_threshold %d needs %d", maxFailures, s.FailureThreshold, s.failureCapacity())})
	}
	inRange(&errs, "probe_timeout", s.ProbeTimeout, 10*time.Millisecond, longestProbe)
	inRange(&errs, "slow_call", s.SlowCall, 0, s.ProbeTimeout)
	inRange(&errs, "recovery_ramp", s.RecoveryRamp, 0, 10*time.Minute)
	inRange(&errs, "max_clock_skew", s.MaxClockSkew, 0, longestSkew)
	if s.MaxAge >= 0 {
		if inRange(&errs, "max_age", s.MaxAge, 0, time.Minute) {
			maxRefresh = s.MaxAge
		}
		inRange(&errs, "refresh_after", s.RefreshAfter, 0, maxRefresh)
	}
	inRange(&errs, "store_timeout", s.StoreTimeout, 10*time.Millisecond, longestStoreTimeout)
	inRange(&errs, "prime_timeout", s.PrimeTimeout, 10*time.Millisecond, 10*time.Second)
	return errors.Join(errs...)
}

// inRange reports whether a setting is in its range. If not, it adds an error.
func inRange[T int | float64 | time.Duration](errs *[]error, field string, value, low, high T) bool {
	if low <= value && value <= high {
		return true
	}
	*errs = append(*errs, &FieldError{Field: field, Value: value, Low: low, High: high})
	return false
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

// maxFailures is the most failures that a record may hold.
const maxFailures = 100

// failureQuota is the most failures that one environment keeps in the record:
// with one failure from each of the other required environments it reaches the
// threshold.
func (s Settings) failureQuota() int { return s.FailureThreshold - s.MinEnvironments + 1 }

// failureCapacity is the most failures that the record holds. With several
// environments each adds a failure before it removes its oldest, so it needs
// room for one more than its quota.
func (s Settings) failureCapacity() int {
	if s.MinEnvironments == 1 {
		return s.FailureThreshold
	}
	return s.MinEnvironments * (s.failureQuota() + 1)
}

// ProbeBudget returns the time a call's context must leave it to be chosen as
// the probe: ProbeTimeout and the longest wait before the claim. See
// ProbeTimeout for calls with less.
func (s Settings) ProbeBudget() time.Duration {
	return s.ProbeTimeout + msDuration(maxClaimWait)
}

// The longest that settings may be.
const (
	longestProbe        = 15 * time.Minute
	longestSkew         = time.Minute
	longestStoreTimeout = 10 * time.Second
	longestLease        = longestProbe + 2*longestSkew + longestStoreTimeout
)

// lease is how long a claim holds the probe slot.
func (s Settings) lease() time.Duration { return s.ProbeTimeout + s.leaseMargin() }

// leaseMargin is what a lease has besides the probe: the deviation of two clocks,
// and the claim's own write.
func (s Settings) leaseMargin() time.Duration { return 2*s.MaxClockSkew + s.StoreTimeout }
