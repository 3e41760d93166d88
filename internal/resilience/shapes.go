package resilience

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// The types below are a fixed contract, the order of keys included: they never gain
// fields.

type circuit struct {
	Name             string             `json:"name"`
	State            breaker.State      `json:"state"`
	FailureCount     int                `json:"failure_count"`
	SuccessCount     int                `json:"success_count"`
	FailureThreshold int                `json:"failure_threshold"`
	SuccessThreshold int                `json:"success_threshold"`
	LastFailureTime  *gateway.Timestamp `json:"last_failure_time"`
	OpenedAt         *gateway.Timestamp `json:"opened_at"`
}

func newCircuit(s breaker.Stats) circuit {
	return circuit{
		Name:             s.Name,
		State:            s.State,
		FailureCount:     s.FailureCount,
		SuccessCount:     s.SuccessCount,
		FailureThreshold: s.FailureThreshold,
		SuccessThreshold: s.SuccessThreshold,
		LastFailureTime:  (*gateway.Timestamp)(s.LastFailureTime),
		OpenedAt:         (*gateway.Timestamp)(s.OpenedAt),
	}
}

// circuitSet is written as an object keyed by circuit name, in the order of the set.
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

// healthPercentage returns the share of the failures that a closed circuit can still
// take, or the share of the successes that a half-open one needs. An open circuit
// has 0.
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

// share returns part of whole in percent, 0 to 100. For a moment before the circuit
// opens, its record can hold more failures than the threshold.
func share(part, whole int) percentage {
	return percentage(100 * float64(min(max(part, 0), whole)) / float64(whole))
}

// ratio is written with exactly three decimals, such as 0.250.
type ratio float64

func (r ratio) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(r), 'f', 3, 64), nil
}

// percentage is written with exactly one decimal, such as 100.0 or 66.7.
type percentage float64

func (p percentage) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(p), 'f', 1, 64), nil
}
