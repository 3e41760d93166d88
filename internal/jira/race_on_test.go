//go:build race

package jira

// raceDetector makes allocations of its own.
const raceDetector = true
