// Package wire is what a chaos fleet and its environments' processes say to
// each other: a Config in a variable, then a Call a line on the standard input
// and a Report a line on the standard output, both as JSON.
package wire

import (
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Variable is where a process finds its Config. The store's address and
// credentials are where dynamostore.NewClient looks for them.
const Variable = "CHAOS_ENVIRONMENT"

// Headers by which the dependency knows who asks.
const (
	HeaderEnvironment = "X-Environment"
	HeaderCall        = "X-Call"
	HeaderProbe       = "X-Probe"
	HeaderLocal       = "X-Local"
)

// Config of one environment.
type Config struct {
	ID         string // of the environment, never used again
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
	Lost       Kind = "lost"     // the store: from here on the environment decides alone
	Returned   Kind = "returned" // the store
)

// Outcome of a call.
type Outcome string

const (
	Served   Outcome = "served"
	Failed   Outcome = "failed"
	Rejected Outcome = "rejected" // the dependency was not asked
)

// Report is what an environment tells.
type Report struct {
	Kind Kind
	At   time.Time // by the machine's clock

	// Of Done.
	Call    int64
	Outcome Outcome
	Probe   bool
	Local   bool // decided without the store

	Transition breaker.Transition // of Transition
	Error      string             // of Lost, and of a Failed call
}
