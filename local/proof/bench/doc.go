// Command bench measures what the project promises about speed, size and the
// behaviour of a fleet, and writes docs/benchmarks.md. Absolute times differ
// between machines and moments: what is promised of them is a ratio of two
// things measured in turns in one run, or leaves a busy machine room. It exits
// with 1 if a promise is broken.
//
//	go run ./proof/bench                measure, write ../docs/benchmarks.md
//	go run ./proof/bench -check         measure and write nothing
//	go run ./proof/bench -only "text"   only the sections whose title holds the text, write nothing
//
// On a machine that is busy with other things these hold as well: the breakers
// side by side, the guarded call, the store outage, the packages. What 20
// processes do on a circuit is judged only if its store answered all of them in
// time.
package main
