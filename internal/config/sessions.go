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
	TTL          time.Duration // of a session that is left alone, at least
	LocalSubject string        // see Subject
}

// Defaults of the sessions function. A try lets the driver look for a server,
// for 3 s, and is over before a client has waited for 4 s.
const (
	sessionsTryTimeout = 3500 * time.Millisecond
	defaultDatabase    = "coldfuse"
	defaultTTLDays     = 30
)

// Sessions reads the sessions function's configuration. The error names all
// that is missing or wrong, on one line.
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

// localSubject is whom callers are taken for where no authorizer runs: on a
// stage without one, and under sam local, which skips them.
func (r *reader) localSubject() string {
	mode := r.choice("AUTH_MODE", "iam", "jwt", "none")
	if mode != "none" && r.getenv("AWS_SAM_LOCAL") != "true" {
		return ""
	}
	return r.name("LOCAL_SUBJECT", "local-user")
}
