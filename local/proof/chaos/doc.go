// Package chaos runs a fleet of execution environments as processes, each with
// a breaker of its own on one DynamoDB Local, breaks them, their store and
// their dependency, and holds what the dependency and the store have seen
// against the circuit's invariants.
//
// The environments are real: they are killed and frozen by signals, and they
// reach the store through proxies that refuse, hang, delay, lose and repeat.
// What the checks go by is not what environments say of themselves, but the
// dependency's log of requests and the store's own answers to every write.
//
// The tests are the scripted cases and a random schedule, which CHAOS_SECONDS
// makes longer and CHAOS_SEED repeats, as far as processes can be made to do
// the same again. How fast and how seldom a fleet does what it does is measured
// elsewhere: see command bench.
package chaos
