package config

import (
	"log/slog"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// HTTPLimit is the longest time that a call behind an HTTP API may take. The API
// itself times out after 30 s.
const HTTPLimit = 29 * time.Second

// defaultTryTimeout lets four tries, their back-offs and the reserve fit
// HTTPLimit.
const defaultTryTimeout = 4 * time.Second

// A function's timeout in seconds. Lambda's maximum is 15 minutes.
const (
	defaultFunctionTimeout = int(HTTPLimit / time.Second)
	leastFunctionTimeout   = 5
	mostFunctionTimeout    = 900
)

// Limits of TRY_TIMEOUT: the shortest probe, and what the longest function leaves
// to one.
const (
	leastTryTimeout = 10 * time.Millisecond
	mostTryTimeout  = 898 * time.Second
)

// Protection is the configuration of the guard of one dependency.
type Protection struct {
	Retry           retry.Policy
	Circuit         breaker.Settings
	TryTimeout      time.Duration
	FunctionTimeout time.Duration // of the function that makes the calls
}

// WarnOfLength logs one line if calls may take longer than the function may
// run, or else longer than an HTTP API waits.
func (p Protection) WarnOfLength(logger *slog.Logger) {
	switch budget := guard.Budget(p.Retry, p.TryTimeout); {
	case budget > p.FunctionTimeout:
		logger.Error("Retries do not fit the function's timeout: the last ones are not made", "budget_s", budget.Seconds(), "limit_s", p.FunctionTimeout.Seconds())
	case budget > HTTPLimit:
		logger.Warn("Retries fit no HTTP request, only direct invocation", "budget_s", budget.Seconds(), "limit_s", HTTPLimit.Seconds())
	}
}

// protection reads the variables of one connector, prefix "JIRA_" or
// "CONFLUENCE_": a profile and what overrides it. Connectors and monitor read
// the same variables by this one function, so that they cannot disagree. The
// ranges are those of breaker.Settings and retry.Policy.
func (r *reader) protection(prefix, circuit string) Protection {
	profile := r.choice(prefix+"PROFILE", "default", "high_traffic", "critical", "database")
	p := r.retries(prefix, profile, defaultTryTimeout, mostTryTimeout)
	c := &p.Circuit
	c.Name, c.ProbeTimeout = circuit, p.TryTimeout
	r.integer(prefix+"FAILURE_THRESHOLD", &c.FailureThreshold)
	r.duration(prefix+"FAILURE_WINDOW", &c.FailureWindow)
	r.perCent(prefix+"FAILURE_RATE", &c.FailureRate)
	r.duration(prefix+"SLOW_CALL", &c.SlowCall)
	r.duration(prefix+"RECOVERY_RAMP", &c.RecoveryRamp)
	r.duration(prefix+"RECOVERY_TIMEOUT", &c.RecoveryTimeout)
	r.integer(prefix+"SUCCESS_THRESHOLD", &c.SuccessThreshold)
	r.decimal(prefix+"OPEN_BACK_OFF", &c.OpenBackOff)
	r.duration(prefix+"MAX_OPEN", &c.MaxOpen)
	r.integer(prefix+"MIN_ENVIRONMENTS", &c.MinEnvironments)
	readFirst := false
	if r.flag(prefix+"READ_FIRST", &readFirst); readFirst {
		c.MaxAge = -1
	}
	r.invalid(prefix, c.Validate())
	r.functionTimeout(prefix, &p)
	return p
}

// functionTimeout rejects a try that leaves no time for a whole probe: its
// circuit would be probed late, and by probes that are cut short.
func (r *reader) functionTimeout(prefix string, p *Protection) {
	timeout := defaultFunctionTimeout
	ok := r.integerIn(prefix+"FUNCTION_TIMEOUT", leastFunctionTimeout, mostFunctionTimeout, &timeout)
	p.FunctionTimeout = time.Duration(timeout) * time.Second
	claim := p.Circuit.ProbeBudget() - p.Circuit.ProbeTimeout
	if most := p.FunctionTimeout - claim - p.Retry.Reserve; ok && p.TryTimeout > most {
		r.problem("%sTRY_TIMEOUT: want no more than %s, or no probe fits %[1]sFUNCTION_TIMEOUT, %[3]d", prefix, seconds(most), timeout)
	}
}

// retries reads the retry policy and the try timeout over those of the profile.
func (r *reader) retries(prefix, profile string, tryTimeout, mostTryTimeout time.Duration) Protection {
	preset, err := guard.ProfileNamed(profile)
	if err != nil {
		r.problem("%sPROFILE: %s", prefix, err)
	}
	p := Protection{Retry: preset.Retry, Circuit: preset.Circuit, TryTimeout: tryTimeout, FunctionTimeout: HTTPLimit}
	r.integer(prefix+"MAX_ATTEMPTS", &p.Retry.MaxRetries)
	r.duration(prefix+"BASE_DELAY", &p.Retry.BaseDelay)
	r.duration(prefix+"MAX_DELAY", &p.Retry.MaxDelay)
	if r.getenv(prefix+"STRATEGY") != "" {
		p.Retry.Strategy = retry.Strategy(r.choice(prefix+"STRATEGY", string(retry.Exponential), string(retry.Fixed)))
	}
	r.flag(prefix+"JITTER", &p.Retry.Jitter)
	r.invalid(prefix, p.Retry.Validate())
	r.durationIn(prefix+"TRY_TIMEOUT", leastTryTimeout, mostTryTimeout, &p.TryTimeout)
	return p
}
