package breaker

import "time"

// Stats are the figures of a circuit for monitors. Times are by the clocks of the
// environments that wrote them.
type Stats struct {
	Name string // Settings.Name
	// State is the effective state: an open circuit whose recovery time has
	// passed is half-open, and an override shows as its effect.
	State State
	// FailureCount is the number of failures inside the window while closed, or
	// with a Settings.FailureRate how near they are to opening the circuit, as a
	// share of FailureThreshold and below it; and
	// of those that tripped the circuit while it is open or half-open. It is 0 if
	// an override shows a tripped circuit as closed. It may exceed
	// FailureThreshold. For an opening by Outcome.OpenFor see Record.TrippedBy.
	FailureCount int
	// SuccessCount is the number of successful probes in this half-open round. It
	// is 0 in any other state.
	SuccessCount                       int
	FailureThreshold, SuccessThreshold int        // as in Settings
	LastFailureTime                    *time.Time // UTC; nil if there was none
	OpenedAt                           *time.Time // UTC; nil while closed, even if an override holds it open
	Override                           *Override  // in force, or nil
	// FailureRate and Calls are the share of failed calls in the window of a closed
	// circuit and how many calls there were, or while it is open or half-open those
	// of the time that opened it. They are estimates, with an error of about 10 %.
	// They are 0 without a Settings.FailureRate or without a failure.
	FailureRate float64
	Calls       int
}

func (m machine) stats(r Record, now int64) Stats {
	state, mode := m.effectiveState(r, now)
	s := Stats{
		Name:             m.Name,
		State:            m.displayState(r, now),
		FailureCount:     r.TrippedBy,
		SuccessCount:     r.Successes,
		FailureThreshold: m.FailureThreshold,
		SuccessThreshold: m.SuccessThreshold,
		LastFailureTime:  msToTime(r.LastFailureAt),
		OpenedAt:         msToTime(r.OpenedAt),
	}
	switch {
	case r.State == Closed:
		s.FailureCount = m.failuresInWindow(r, now)
		if m.FailureRate > 0 {
			l := m.ledger(r, now)
			s.FailureCount = min(int(l.worst().nearness()*float64(m.FailureThreshold)+rounding), m.FailureThreshold-1)
			s.FailureRate, s.Calls = l.estimate()
		}
	case state == Closed:
		s.FailureCount, s.SuccessCount, s.OpenedAt = 0, 0, nil
	case r.TrippedCalls > 0:
		s.FailureRate, s.Calls = float64(r.TrippedBy)/float64(r.TrippedCalls), r.TrippedCalls
	}
	if mode != "" {
		s.Override = overrideOf(r)
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
