// Package resilience shows the circuits' shared state, over HTTP and to a
// gauge, and lets operators override it.
package resilience

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// readTimeout bounds the reading of all circuits for one answer.
const readTimeout = 2 * time.Second

// Circuit is a *breaker.Breaker.
type Circuit interface {
	Name() string
	Stats(context.Context) (breaker.Stats, error)
	History(ctx context.Context, limit int) ([]breaker.Transition, error)
	SetOverride(context.Context, breaker.Override) error
	ClearOverride(ctx context.Context, by string) error
}

type monitor struct {
	logger      *slog.Logger
	now         func() time.Time
	description string
	circuits    []Circuit
}

// Handler serves the monitoring routes below /api/v1/resilience for the
// circuits, which it shows in the order given. Every answer is read from the
// store, strongly consistent. If that fails or takes more than 2 s the answer is a 503
// problem, and one WARN line has the error. The Handler also serves the description,
// the API's OpenAPI document in YAML.
func Handler(logger *slog.Logger, now func() time.Time, description string, circuits ...Circuit) http.Handler {
	m := &monitor{logger: logger, now: now, description: description, circuits: circuits}
	return gateway.Routes(map[string]http.HandlerFunc{
		"GET /api/v1/openapi.yaml":                       gateway.NoQuery(m.describe),
		"GET /api/v1/resilience/health":                  m.health,
		"GET /api/v1/resilience/summary":                 m.summary,
		"GET /api/v1/resilience/circuit-breakers":        m.all,
		"GET /api/v1/resilience/circuit-breakers/{name}": m.one,

		"GET /api/v1/resilience/circuit-breakers/{name}/history":     m.history,
		"GET /api/v1/resilience/circuit-breakers/{name}/override":    m.override,
		"PUT /api/v1/resilience/circuit-breakers/{name}/override":    m.operator(m.setOverride),
		"DELETE /api/v1/resilience/circuit-breakers/{name}/override": m.operator(m.clearOverride),
	})
}

func (m *monitor) describe(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	_, _ = io.WriteString(w, m.description)
}

func (m *monitor) all(w http.ResponseWriter, r *http.Request) {
	if stats, ok := m.read(w, r, m.circuits); ok {
		gateway.WriteJSON(w, http.StatusOK, newCircuitSet(stats))
	}
}

func (m *monitor) one(w http.ResponseWriter, r *http.Request) {
	c, ok := m.named(w, r)
	if !ok {
		return
	}
	if stats, ok := m.read(w, r, []Circuit{c}); ok {
		gateway.WriteJSON(w, http.StatusOK, newCircuit(stats[0]))
	}
}

// named returns the circuit of the path, or answers 404.
func (m *monitor) named(w http.ResponseWriter, r *http.Request) (Circuit, bool) {
	name := r.PathValue("name")
	for _, c := range m.circuits {
		if c.Name() == name {
			return c, true
		}
	}
	gateway.WriteProblem(w, r, gateway.Problem{
		Type:    "unknown-circuit",
		Title:   "Unknown circuit",
		Status:  http.StatusNotFound,
		Detail:  "there is no circuit of this name",
		Circuit: gateway.Clip(name),
	})
	return nil, false
}

func (m *monitor) summary(w http.ResponseWriter, r *http.Request) {
	if stats, ok := m.read(w, r, m.circuits); ok {
		gateway.WriteJSON(w, http.StatusOK, newSummary(stats))
	}
}

// read returns the stats of the circuits. If that fails it answers with a problem and
// returns false.
func (m *monitor) read(w http.ResponseWriter, r *http.Request, circuits []Circuit) ([]breaker.Stats, bool) {
	stats, err := read(r.Context(), circuits)
	if err != nil {
		m.unavailable(w, r, err)
		return nil, false
	}
	return stats, true
}

// read reads the circuits concurrently. It fails if one cannot be read, because half
// a view would look like a healthy one.
func read(ctx context.Context, circuits []Circuit) ([]breaker.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var (
		group  sync.WaitGroup
		stats  = make([]breaker.Stats, len(circuits))
		errs   = make([]error, len(circuits))
		panics = make([]any, len(circuits))
	)
	for i, c := range circuits {
		group.Go(func() {
			// The adapter recovers panics of the caller's goroutine alone.
			defer func() { panics[i] = recover() }()
			stats[i], errs[i] = c.Stats(ctx)
		})
	}
	group.Wait()
	for _, value := range panics {
		if value != nil {
			panic(value)
		}
	}
	return stats, errors.Join(errs...)
}

func (m *monitor) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	m.logger.WarnContext(r.Context(), "Circuit store cannot be read", "error", err)
	gateway.WriteProblem(w, r, gateway.Problem{
		Type:              "store-unavailable",
		Title:             "Circuit store unavailable",
		Status:            http.StatusServiceUnavailable,
		Detail:            "the state of the circuits cannot be read at the moment",
		RetryAfterSeconds: 1,
		Retryable:         new(true),
	})
}
