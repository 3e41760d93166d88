// Package wire is the protocol between a fleet and the processes of its
// environments: a Config in a variable, then one Call a line on the standard
// input and one Report a line on the standard output, all as JSON.
package wire

import (
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Variable is where a process finds its Config. The store's address and
// credentials are where dynamostore.NewClient looks for them.
const Variable = "FLEET_ENVIRONMENT"

// Headers of a request, which the dependency writes into its journal.
const (
	HeaderEnvironment = "X-Environment"
	HeaderCall        = "X-Call"
	HeaderProbe       = "X-Probe"
	HeaderLocal       = "X-Local"
)

// Config of one environment.
type Config struct {
	ID         string // of the environment, never used twice
	Table      string
	Dependency string // URL
	// ClockOffset is how far this environment's clock is ahead.
	ClockOffset time.Duration
	Settings    breaker.Settings
}

// Call asks for one protected call. Calls of one environment are served one
// after another, as Lambda does.
type Call struct {
	ID    int64
	Limit time.Duration // of the whole call
}

// Kind of a report.
type Kind string

const (
	Ready      Kind = "ready" // the first read has ended, with or without success
	Done       Kind = "done"
	Transition Kind = "transition"
	Lost       Kind = "lost"     // a store outage begins: the environment decides locally
	Returned   Kind = "returned" // the store outage is over
)

// Outcome of a call.
type Outcome string

const (
	Served   Outcome = "served"
	Failed   Outcome = "failed"
	Rejected Outcome = "rejected" // the dependency was not called
)

// Report is one event in an environment.
type Report struct {
	Kind Kind
	At   time.Time // by the machine's clock

	// Fields of Done.
	Call    int64
	Outcome Outcome
	Probe   bool
	Local   bool // decided by the local fallback

	Transition breaker.Transition // of Transition
	Error      string             // of Lost, and of a Failed call
}
