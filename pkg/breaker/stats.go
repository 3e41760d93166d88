package breaker

import "time"

// Stats is what a monitor shows of a circuit.
type Stats struct {
	Name string
	// State is the effective state: an open circuit whose recovery time has
	// passed is half-open.
	State State
	// FailureCount is the failures inside the window while closed, and those
	// that tripped the circuit while it is open or half-open.
	FailureCount int
	// SuccessCount is the successful probes of this half-open round.
	SuccessCount                       int
	FailureThreshold, SuccessThreshold int
	LastFailureTime                    *time.Time // UTC; nil when there was none
	OpenedAt                           *time.Time // UTC; nil while closed
}

func (m machine) stats(r Record, now int64) Stats {
	s := Stats{
		Name:             m.Name,
		State:            m.effective(r, now),
		FailureCount:     r.TrippedBy,
		SuccessCount:     r.Successes,
		FailureThreshold: m.FailureThreshold,
		SuccessThreshold: m.SuccessThreshold,
		LastFailureTime:  msToTime(r.LastFailureAt),
		OpenedAt:         msToTime(r.OpenedAt),
	}
	if r.State == Closed {
		s.FailureCount = m.failuresInWindow(r, now)
	}
	return s
}

func msToTime(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := time.UnixMilli(ms).UTC()
	return &t
}
