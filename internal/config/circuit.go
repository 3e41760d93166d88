package config

import (
	"log/slog"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// HTTPLimit is the longest that a function behind an HTTP API may take. The API
// itself gives up at 30 s.
const HTTPLimit = 29 * time.Second

// defaultTryTimeout lets four tries, their back-offs and the reserve fit
// HTTPLimit.
const defaultTryTimeout = 4 * time.Second

// Protection is how calls to one dependency are protected.
type Protection struct {
	Retry      retry.Policy
	Circuit    breaker.Settings
	TryTimeout time.Duration
}

// WarnOfLength logs one line if calls may take longer than an HTTP API waits.
func (p Protection) WarnOfLength(logger *slog.Logger) {
	if budget := guard.Budget(p.Retry, p.TryTimeout); budget > HTTPLimit {
		logger.Warn("Retries fit no HTTP request, only direct invocation", "budget_s", budget.Seconds(), "limit_s", HTTPLimit.Seconds())
	}
}

// protection reads the variables of one connector, prefix "JIRA_" or
// "CONFLUENCE_": a profile, and what overrides it. Connectors and monitor read
// the same variables by this one function, so that they cannot disagree.
func (r *reader) protection(prefix, circuit string) Protection {
	profile := r.choice(prefix+"PROFILE", "default", "high_traffic", "critical", "database")
	p := r.retries(prefix, profile, defaultTryTimeout)
	r.count(prefix+"FAILURE_THRESHOLD", &p.Circuit.FailureThreshold)
	r.seconds(prefix+"FAILURE_WINDOW", &p.Circuit.FailureWindow)
	r.seconds(prefix+"RECOVERY_TIMEOUT", &p.Circuit.RecoveryTimeout)
	r.count(prefix+"SUCCESS_THRESHOLD", &p.Circuit.SuccessThreshold)
	r.decimal(prefix+"OPEN_BACK_OFF", &p.Circuit.OpenBackOff)
	r.seconds(prefix+"MAX_OPEN", &p.Circuit.MaxOpen)
	r.count(prefix+"MIN_ENVIRONMENTS", &p.Circuit.MinEnvironments)
	readFirst := false
	if r.flag(prefix+"READ_FIRST", &readFirst); readFirst {
		p.Circuit.MaxAge = -1
	}
	p.Circuit.Name, p.Circuit.ProbeTimeout = circuit, p.TryTimeout
	if err := p.Circuit.Validate(); err != nil {
		r.problem("%s*: %s", prefix, err)
	}
	return p
}

// retries reads how calls are tried again, over what the profile says.
func (r *reader) retries(prefix, profile string, tryTimeout time.Duration) Protection {
	preset, err := guard.ProfileNamed(profile)
	if err != nil {
		r.problem("%sPROFILE: %s", prefix, err)
	}
	p := Protection{Retry: preset.Retry, Circuit: preset.Circuit, TryTimeout: tryTimeout}
	r.count(prefix+"MAX_ATTEMPTS", &p.Retry.MaxAttempts)
	r.seconds(prefix+"BASE_DELAY", &p.Retry.BaseDelay)
	r.seconds(prefix+"MAX_DELAY", &p.Retry.MaxDelay)
	if s := r.getenv(prefix + "STRATEGY"); s != "" {
		p.Retry.Strategy = retry.Strategy(s)
	}
	r.flag(prefix+"JITTER", &p.Retry.Jitter)
	r.seconds(prefix+"TRY_TIMEOUT", &p.TryTimeout)
	if err := p.Retry.Validate(); err != nil {
		r.problem("%s*: %s", prefix, err)
	}
	return p
}
