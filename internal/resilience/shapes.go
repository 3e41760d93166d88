package resilience

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// The shapes below are a fixed contract, order of keys included: they gain no
// fields.

type circuit struct {
	Name             string        `json:"name"`
	State            breaker.State `json:"state"`
	FailureCount     int           `json:"failure_count"`
	SuccessCount     int           `json:"success_count"`
	FailureThreshold int           `json:"failure_threshold"`
	SuccessThreshold int           `json:"success_threshold"`
	LastFailureTime  *stamp        `json:"last_failure_time"`
	OpenedAt         *stamp        `json:"opened_at"`
}

func newCircuit(s breaker.Stats) circuit {
	return circuit{
		Name:             s.Name,
		State:            s.State,
		FailureCount:     s.FailureCount,
		SuccessCount:     s.SuccessCount,
		FailureThreshold: s.FailureThreshold,
		SuccessThreshold: s.SuccessThreshold,
		LastFailureTime:  (*stamp)(s.LastFailureTime),
		OpenedAt:         (*stamp)(s.OpenedAt),
	}
}

// circuitSet is an object keyed by circuit name, in its own order.
type circuitSet []circuit

func newCircuitSet(stats []breaker.Stats) circuitSet {
	set := make(circuitSet, len(stats))
	for i, s := range stats {
		set[i] = newCircuit(s)
	}
	return set
}

func (set circuitSet) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, c := range set {
		value, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(strconv.Quote(c.Name)) // names are plain ASCII
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

const (
	healthy  = "healthy"
	degraded = "degraded"
)

type health struct {
	Status          string        `json:"status"`
	Timestamp       stamp         `json:"timestamp"`
	TotalCircuits   int           `json:"total_circuits"`
	CircuitsByState stateCounts   `json:"circuits_by_state"`
	OpenCircuits    []openCircuit `json:"open_circuits"`
}

type stateCounts struct {
	Closed   int `json:"closed"`
	Open     int `json:"open"`
	HalfOpen int `json:"half_open"`
}

type openCircuit struct {
	Name         string `json:"name"`
	FailureCount int    `json:"failure_count"`
	OpenedAt     *stamp `json:"opened_at"`
}

func newHealth(stats []breaker.Stats, now time.Time) health {
	h := health{
		Status:        healthy,
		Timestamp:     stamp(now),
		TotalCircuits: len(stats),
		OpenCircuits:  []openCircuit{},
	}
	for _, s := range stats {
		switch s.State {
		case breaker.Closed:
			h.CircuitsByState.Closed++
		case breaker.HalfOpen:
			h.CircuitsByState.HalfOpen++
		case breaker.Open:
			h.CircuitsByState.Open++
			h.Status = degraded
			h.OpenCircuits = append(h.OpenCircuits, openCircuit{s.Name, s.FailureCount, (*stamp)(s.OpenedAt)})
		}
	}
	return h
}

type summary struct {
	Name             string        `json:"name"`
	State            breaker.State `json:"state"`
	FailureCount     int           `json:"failure_count"`
	FailureThreshold int           `json:"failure_threshold"`
	SuccessCount     int           `json:"success_count"`
	SuccessThreshold int           `json:"success_threshold"`
	HealthPercentage percentage    `json:"health_percentage"`
}

func newSummary(stats []breaker.Stats) []summary {
	list := make([]summary, len(stats))
	for i, s := range stats {
		list[i] = summary{
			Name:             s.Name,
			State:            s.State,
			FailureCount:     s.FailureCount,
			FailureThreshold: s.FailureThreshold,
			SuccessCount:     s.SuccessCount,
			SuccessThreshold: s.SuccessThreshold,
			HealthPercentage: healthPercentage(s),
		}
	}
	return list
}

// healthPercentage is how far a closed circuit is from opening, or a half-open
// one on its way to closing.
func healthPercentage(s breaker.Stats) percentage {
	switch s.State {
	case breaker.Closed:
		return share(s.FailureThreshold-s.FailureCount, s.FailureThreshold)
	case breaker.HalfOpen:
		return share(s.SuccessCount, s.SuccessThreshold)
	default:
		return 0
	}
}

// share is part of whole in percent, 0 to 100. More failures than the
// threshold can be on record for the moment before the circuit opens.
func share(part, whole int) percentage {
	return percentage(100 * float64(min(max(part, 0), whole)) / float64(whole))
}

// percentage is written with exactly one decimal, such as 100.0 or 66.7.
type percentage float64

func (p percentage) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(p), 'f', 1, 64), nil
}

// stamp is a time in UTC, always with six digits of fraction.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	return time.Time(s).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000000Z"`), nil
}
