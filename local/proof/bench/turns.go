package main

import (
	"fmt"
	"sync"
	"time"
)

const (
	// slice is how long one thing is measured before it is another's turn: no
	// longer than what a busy machine leaves a process undisturbed.
	slice  = 4 * time.Millisecond
	rounds = 75
)

// work makes at least n calls and returns their number and total time.
type work func(n int) (calls int, took time.Duration)

// repeated returns the work of repeating a call.
func repeated(call func()) work {
	return func(n int) (int, time.Duration) {
		began := time.Now()
		for range n {
			call()
		}
		return n, time.Since(began)
	}
}

// atOnce returns the work of making a call in many goroutines.
func atOnce(goroutines int, call func()) work {
	return func(n int) (int, time.Duration) {
		each := max(1, n/goroutines)
		began := time.Now()
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() { repeated(call)(each) })
		}
		all.Wait()
		return goroutines * each, time.Since(began)
	}
}

// inTurns returns the ns that a call of each work takes, by work and round. Other
// load of the machine in a round affects all works in it.
func inTurns(works []work) [][]float64 {
	counts := make([]int, len(works))
	for i, w := range works {
		counts[i] = enough(w)
	}
	times := make([][]float64, len(works))
	for range rounds {
		for i, w := range works {
			n, took := w(counts[i])
			times[i] = append(times[i], float64(took)/float64(n))
		}
	}
	return times
}

// enough returns the number of calls that fill a slice.
func enough(w work) int {
	for n := 1; ; n *= 4 {
		made, took := w(n)
		if took > slice/4 {
			return max(1, int(float64(made)*float64(slice)/float64(took)))
		}
	}
}

// quiet returns the time of the quietest tenth of the rounds: other processes
// can only make a call slower.
func quiet(times []float64) float64 { return quantile(times, 0.1) }

func nanoseconds(ns float64) string {
	if ns < 10_000 {
		return fmt.Sprintf("%.0f ns", ns)
	}
	return fmt.Sprintf("%.1f µs", ns/1e3)
}
