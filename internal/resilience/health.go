package resilience

import (
	"net/http"
	"time"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

const (
	healthy  = "healthy"
	degraded = "degraded"
)

// health answers "healthy" unless a circuit is open. Half-open counts as healthy: a
// load balancer that asks with strict=true must let calls through by then, or no
// probe would ever close the circuit.
func (m *monitor) health(w http.ResponseWriter, r *http.Request) {
	query, ok := gateway.Query(w, r, "strict")
	if !ok {
		return
	}
	strict := query.Get("strict")
	if strict != "" && strict != "true" && strict != "false" {
		gateway.WriteBadField(w, r, "strict", "want true or false")
		return
	}
	stats, ok := m.read(w, r, m.circuits)
	if !ok {
		return
	}
	h := newHealth(stats, m.now())
	status := http.StatusOK
	if strict == "true" && h.Status == degraded {
		status = http.StatusServiceUnavailable
	}
	gateway.WriteJSON(w, status, h)
}

// health is a part of the fixed contract, as the types of shapes.go are.
type health struct {
	Status          string            `json:"status"`
	Timestamp       gateway.Timestamp `json:"timestamp"`
	TotalCircuits   int               `json:"total_circuits"`
	CircuitsByState stateCounts       `json:"circuits_by_state"`
	OpenCircuits    []openCircuit     `json:"open_circuits"`
}

type stateCounts struct {
	Closed   int `json:"closed"`
	Open     int `json:"open"`
	HalfOpen int `json:"half_open"`
}

type openCircuit struct {
	Name         string             `json:"name"`
	FailureCount int                `json:"failure_count"`
	OpenedAt     *gateway.Timestamp `json:"opened_at"`
}

func newHealth(stats []breaker.Stats, now time.Time) health {
	h := health{
		Status:        healthy,
		Timestamp:     gateway.Timestamp(now),
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
			h.OpenCircuits = append(h.OpenCircuits, openCircuit{s.Name, s.FailureCount, (*gateway.Timestamp)(s.OpenedAt)})
		}
	}
	return h
}
