// Package fleet runs environments as processes, which share circuits in a
// table and call one dependency, and keeps what they and the dependency saw.
package fleet

import (
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// ConfigVariable is the environment variable that holds a member's Config, as
// JSON.
const ConfigVariable = "FLEET_MEMBER"

// Config is what a member is told at its start. A member then reads the names
// of circuits, a line each, and makes a call for each line, those of one
// circuit one at a time. It writes a Call for each, as a line of JSON.
type Config struct {
	Member   string
	Table    string
	Circuits []Circuit
}

// Circuit is a circuit as the members see it.
type Circuit struct {
	Settings   breaker.Settings
	Store      string // endpoint of DynamoDB
	Dependency string // URL
}

// Call is what became of one call. Its times are of one machine's clock.
type Call struct {
	Member   string
	Circuit  string
	At       time.Time     // it arrived at the breaker
	Ended    time.Time     // the dependency had answered, or the circuit had rejected it
	Admitted bool          // it was made
	Probe    bool          // it decides whether the circuit closes
	Failed   bool          // it was made and failed
	Allow    time.Duration // what admission took
	Done     time.Duration // what the report took
	Losses   int           // how often this member took the circuit's store for lost so far
}

// Header fields of a member's request.
const (
	MemberHeader = "Fleet-Member"
	ProbeHeader  = "Fleet-Probe"
	LossesHeader = "Fleet-Losses"
)
