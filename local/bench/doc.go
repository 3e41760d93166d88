// Command bench measures what the project promises about speed and size, and
// writes docs/benchmarks.md. Absolute times differ between machines and
// moments, so every promise is a ratio of two things measured in turns in one
// run. It exits with 1 if a promise is broken.
//
//	go run ./bench            measure, write ../docs/benchmarks.md
//	go run ./bench -check     measure the promises only, write nothing
package main
