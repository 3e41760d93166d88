//go:build !race

package jira

const raceDetector = false
