package config

import (
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
)

// SessionsConfig is the configuration of the sessions function.
type SessionsConfig struct {
	Protection   Protection // without a circuit
	SecretID     string     // of the secret {"uri":"…"}
	Database     string
	TTL          time.Duration // minimum life of a session after its last write
	LocalSubject string        // see Subject
}

// Defaults of the sessions function. A try gives the driver 3 s to find a server
// and ends before a client has waited for 4 s.
const (
	sessionsTryTimeout = 3500 * time.Millisecond
	defaultDatabase    = "coldfuse"
	defaultTTLDays     = 30
)

// Sessions reads the sessions function's configuration. The error names
// every variable that is missing or invalid, on one line.
func Sessions(getenv func(string) string) (SessionsConfig, error) {
	r := &reader{getenv: getenv}
	days := defaultTTLDays
	r.integerIn("SESSION_TTL_DAYS", 1, 3650, &days)
	c := SessionsConfig{
		Protection:   r.retries("SESSIONS_", "sessions", sessionsTryTimeout, HTTPLimit-guard.Reserve),
		SecretID:     r.required("MONGODB_SECRET_ID"),
		Database:     r.name("MONGODB_DATABASE", defaultDatabase),
		TTL:          time.Duration(days) * 24 * time.Hour,
		LocalSubject: r.localSubject(),
	}
	r.required("AWS_REGION")
	return c, r.err()
}

// localSubject returns the caller to assume if no authorizer runs: on a stage
// without one, and under sam local, which skips them. Otherwise it returns "".
func (r *reader) localSubject() string {
	mode := r.choice("AUTH_MODE", "iam", "jwt", "none")
	if mode != "none" && r.getenv("AWS_SAM_LOCAL") != "true" {
		return ""
	}
	return r.name("LOCAL_SUBJECT", "local-user")
}
