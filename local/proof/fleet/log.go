package fleet

import (
	"fmt"
	"slices"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Log is what the dependency, the store and the environments have seen of a
// run. Times are the machine's; Skew is the largest error of an environment's
// clock.
type Log struct {
	Settings breaker.Settings
	Skew     time.Duration
	Requests []Request // at the dependency
	Writes   []Write   // of the record, by generation
	Reports  []wire.Report
	Freezes  map[string][]Span // by environment
	Crashed  []string          // environments that ended without being killed
}

// Frozen reports whether an environment was frozen while it decided about a
// request or made it. The circuit does not promise anything about such a request.
func (l Log) Frozen(r Request) bool {
	for _, s := range l.Freezes[r.Environment] {
		if s.overlaps(r.Began.Add(-Deciding), r.End()) {
			return true
		}
	}
	return false
}

// Deciding is longer than an environment that is not frozen takes between a
// decision and the request that follows.
const Deciding = 2 * time.Second

// End returns when the request ended, or now.
func (r Request) End() time.Time {
	if r.Ended.IsZero() {
		return time.Now()
	}
	return r.Ended
}

// FleetProbe reports whether the request is the fleet's probe, not one of the
// local fallback.
func (r Request) FleetProbe() bool { return r.Probe && !r.Local }

// Generations returns the first write of each generation, with the failures of
// all.
func (l Log) Generations() []Write {
	var first []Write
	for _, w := range l.Writes {
		last := len(first) - 1
		if last < 0 || first[last].Generation != w.Generation {
			first = append(first, w)
			continue
		}
		for _, id := range w.Failures {
			if !slices.Contains(first[last].Failures, id) {
				first[last].Failures = append(slices.Clip(first[last].Failures), id)
			}
		}
		if w.At.Before(first[last].At) {
			first[last].At = w.At
		}
	}
	return first
}

// Summary counts what happened, to show that a run was not idle.
type Summary struct {
	Calls, Served, Failed, Rejected int
	Reached                         int // requests at the dependency
	FleetProbes, LocalRequests      int
	Openings, Closings              int // of the fleet's circuit
	Losses                          int // of the store, by environment
	Freezes                         int
}

// Summary returns the log's counts.
func (l Log) Summary() Summary {
	var s Summary
	for _, r := range l.Reports {
		switch {
		case r.Kind == wire.Lost:
			s.Losses++
		case r.Kind != wire.Done:
			continue
		case r.Outcome == wire.Served:
			s.Served++
		case r.Outcome == wire.Failed:
			s.Failed++
		default:
			s.Rejected++
		}
	}
	s.Calls, s.Reached = s.Served+s.Failed+s.Rejected, len(l.Requests)
	for _, r := range l.Requests {
		if r.Local {
			s.LocalRequests++
		} else if r.Probe {
			s.FleetProbes++
		}
	}
	state := breaker.Closed
	for _, w := range l.Generations() {
		switch {
		case w.State == breaker.Open && state != breaker.Open:
			s.Openings++
		case w.State == breaker.Closed && state != breaker.Closed:
			s.Closings++
		}
		state = w.State
	}
	for _, spans := range l.Freezes {
		s.Freezes += len(spans)
	}
	return s
}

func (s Summary) String() string {
	return fmt.Sprintf("%d calls: %d served, %d failed, %d rejected; %d requests reached the dependency, %d of them fleet probes, %d local; "+
		"%d openings, %d closings; the store was lost %d times, %d freezes",
		s.Calls, s.Served, s.Failed, s.Rejected, s.Reached, s.FleetProbes, s.LocalRequests, s.Openings, s.Closings, s.Losses, s.Freezes)
}
