// Command bench measures what the project promises about speed, size and the
// behaviour of a fleet, and writes docs/benchmarks.md. Absolute times differ
// between machines and moments: a promise is therefore a ratio of two things
// measured in turns in one run, or wide enough for a busy machine. It exits with 1
// if a promise is broken.
//
//	go run ./proof/bench                measure, write ../docs/benchmarks.md
//	go run ./proof/bench -check         measure and write nothing
//	go run ./proof/bench -only "text"   only the sections whose title holds the text, write nothing
//
// These promises also hold on a busy machine: the breakers side by side, the
// guarded call, the store outage, the packages. A fleet of 20 processes is judged
// only if its store answered all of them in time.
package main
