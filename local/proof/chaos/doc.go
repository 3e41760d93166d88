// Package chaos breaks a fleet of processes, its store and its dependency, and
// checks what the dependency and the store have seen for the circuit's invariants.
//
// The tests are scripted cases and a random schedule, which CHAOS_SECONDS makes
// longer and CHAOS_SEED repeats, as far as processes repeat anything. Command bench
// measures how fast and how often a fleet does what it does.
package chaos
