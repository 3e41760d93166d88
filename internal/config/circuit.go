package config

import (
	"log/slog"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// HTTPLimit is the longest that a call behind an HTTP API may take. The API
// itself gives up at 30 s.
const HTTPLimit = 29 * time.Second

// defaultTryTimeout lets four tries, their back-offs and the reserve fit
// HTTPLimit.
const defaultTryTimeout = 4 * time.Second

// A function's timeout, in seconds: Lambda's most is 15 minutes.
const (
	defaultFunctionTimeout = int(HTTPLimit / time.Second)
	leastFunctionTimeout   = 5
	mostFunctionTimeout    = 900
)

// A try's limit: what hystrix and a probe's lease can count with, and what an
// invocation of the longest function leaves to a probe.
const (
	leastTryTimeout = 10 * time.Millisecond
	mostTryTimeout  = 898 * time.Second
)

// claimWait is how long a call waits at most before it claims the probe: one
// with less left than that and the try's limit does not probe (pkg/breaker).
const claimWait = 250 * time.Millisecond

// maxFailures is how many failures a circuit's item has room for (pkg/breaker).
const maxFailures = 100

// Protection is how calls to one dependency are protected.
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
// "CONFLUENCE_": a profile, and what overrides it. Connectors and monitor read
// the same variables by this one function, so that they cannot disagree. The
// ranges are breaker.Settings' own, which knows nothing of variables.
func (r *reader) protection(prefix, circuit string) Protection {
	profile := r.choice(prefix+"PROFILE", "default", "high_traffic", "critical", "database")
	p := r.retries(prefix, profile, defaultTryTimeout, mostTryTimeout)
	c := &p.Circuit
	threshold := r.count(prefix+"FAILURE_THRESHOLD", 1, maxFailures, &c.FailureThreshold)
	r.seconds(prefix+"FAILURE_WINDOW", time.Second, time.Hour, &c.FailureWindow)
	recovery := r.seconds(prefix+"RECOVERY_TIMEOUT", 100*time.Millisecond, time.Hour, &c.RecoveryTimeout)
	r.count(prefix+"SUCCESS_THRESHOLD", 1, 100, &c.SuccessThreshold)
	r.decimal(prefix+"OPEN_BACK_OFF", 1, 10, &c.OpenBackOff)
	maxOpen := r.seconds(prefix+"MAX_OPEN", 100*time.Millisecond, 24*time.Hour, &c.MaxOpen)
	environments := r.count(prefix+"MIN_ENVIRONMENTS", 1, maxFailures/2, &c.MinEnvironments)
	readFirst := false
	if r.flag(prefix+"READ_FIRST", &readFirst); readFirst {
		c.MaxAge = -1
	}
	if recovery && maxOpen && c.MaxOpen < c.RecoveryTimeout {
		r.problem("%sMAX_OPEN: want no less than %[1]sRECOVERY_TIMEOUT, %s", prefix, seconds(c.RecoveryTimeout))
	}
	if threshold && environments {
		r.room(prefix, *c)
	}
	r.functionTimeout(prefix, &p)
	c.Name, c.ProbeTimeout = circuit, p.TryTimeout
	return p
}

// room is that of the circuit's item, in which each of the environments keeps
// one failure more than the others leave to it.
func (r *reader) room(prefix string, c breaker.Settings) {
	n := c.MinEnvironments
	switch {
	case n > c.FailureThreshold:
		r.problem("%sMIN_ENVIRONMENTS: want no more than %[1]sFAILURE_THRESHOLD, %d", prefix, c.FailureThreshold)
	case n > 1 && n*(c.FailureThreshold-n+2) > maxFailures:
		r.problem("%sMIN_ENVIRONMENTS: %d of %d failures (%[1]sFAILURE_THRESHOLD) take more room than the circuit has", prefix, n, c.FailureThreshold)
	}
}

// functionTimeout refuses a try that leaves no time for a whole probe: its
// circuit would be tried again late, and by probes that are cut short.
func (r *reader) functionTimeout(prefix string, p *Protection) {
	timeout := defaultFunctionTimeout
	ok := r.count(prefix+"FUNCTION_TIMEOUT", leastFunctionTimeout, mostFunctionTimeout, &timeout)
	p.FunctionTimeout = time.Duration(timeout) * time.Second
	if most := p.FunctionTimeout - claimWait - p.Retry.Reserve; ok && p.TryTimeout > most {
		r.problem("%sTRY_TIMEOUT: want no more than %s, or no probe fits %[1]sFUNCTION_TIMEOUT, %[3]d", prefix, seconds(most), timeout)
	}
}

// retries reads how calls are tried again, over what the profile says. The
// ranges are retry.Policy's own.
func (r *reader) retries(prefix, profile string, tryTimeout, mostTryTimeout time.Duration) Protection {
	preset, err := guard.ProfileNamed(profile)
	if err != nil {
		r.problem("%sPROFILE: %s", prefix, err)
	}
	p := Protection{Retry: preset.Retry, Circuit: preset.Circuit, TryTimeout: tryTimeout, FunctionTimeout: HTTPLimit}
	r.count(prefix+"MAX_ATTEMPTS", 0, retry.RetryLimit, &p.Retry.MaxRetries)
	base := r.seconds(prefix+"BASE_DELAY", 0, retry.DurationLimit, &p.Retry.BaseDelay)
	most := r.seconds(prefix+"MAX_DELAY", 0, retry.DurationLimit, &p.Retry.MaxDelay)
	if base && most && p.Retry.BaseDelay > p.Retry.MaxDelay {
		r.problem("%sBASE_DELAY: want no more than %[1]sMAX_DELAY, %s", prefix, seconds(p.Retry.MaxDelay))
	}
	if r.getenv(prefix+"STRATEGY") != "" {
		p.Retry.Strategy = retry.Strategy(r.choice(prefix+"STRATEGY", string(retry.Exponential), string(retry.Fixed)))
	}
	r.flag(prefix+"JITTER", &p.Retry.Jitter)
	r.seconds(prefix+"TRY_TIMEOUT", leastTryTimeout, mostTryTimeout, &p.TryTimeout)
	return p
}
