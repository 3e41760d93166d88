// Package properties holds the proofs of the circuit breaker that look at it from
// outside, through what it exports: random stories of a fleet against a
// reference that is written differently, histories of concurrent operations on
// real stores against their sequential meaning, fuzzing of whatever comes from
// elsewhere, and the absence of anything that outlives a call. Each of them is
// also shown to find planted bugs.
package properties
