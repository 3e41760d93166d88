package resilience

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// override is an override in an answer.
type override struct {
	Mode  breaker.OverrideMode `json:"mode"`
	By    string               `json:"by"`
	Why   string               `json:"why"`
	Until gateway.Timestamp    `json:"until"`
}

func newOverride(o breaker.Override) override {
	return override{o.Mode, o.By, o.Why, gateway.Timestamp(o.Until)}
}

func (m *monitor) override(w http.ResponseWriter, r *http.Request) {
	c, ok := m.named(w, r)
	if !ok {
		return
	}
	stats, ok := m.read(w, r, []Circuit{c})
	switch {
	case !ok:
	case stats[0].Override == nil:
		gateway.WriteProblem(w, r, gateway.Problem{
			Type: "no-override", Title: "No override", Status: http.StatusNotFound,
			Detail: "no override is in force", Circuit: c.Name(),
		})
	default:
		gateway.WriteJSON(w, http.StatusOK, newOverride(*stats[0].Override))
	}
}

// operator returns a handler that calls h with the circuit of the path and the
// operator, whose subject the route's authorizer checked and the override records.
func (m *monitor) operator(h func(w http.ResponseWriter, r *http.Request, c Circuit, by string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, ok := m.named(w, r)
		if !ok {
			return
		}
		by, ok := gateway.Subject(r.Context())
		if !ok {
			gateway.WriteProblem(w, r, gateway.NoSubject())
			return
		}
		h(w, r, c, strings.ToValidUTF8(by[:min(len(by), breaker.MaxOverrideBy)], ""))
	}
}

func (m *monitor) setOverride(w http.ResponseWriter, r *http.Request, c Circuit, by string) {
	var body struct {
		Mode       breaker.OverrideMode `json:"mode"`
		Why        string               `json:"why"`
		TTLSeconds int64                `json:"ttl_seconds"`
	}
	if !gateway.DecodeJSON(w, r, &body) {
		return
	}
	const most = int64(breaker.MaxOverride / time.Second)
	switch {
	case !body.Mode.Known():
		gateway.WriteProblem(w, r, gateway.BadField("mode", "want open, closed or disabled"))
		return
	case body.Why == "" || len(body.Why) > breaker.MaxOverrideWhy:
		gateway.WriteProblem(w, r, gateway.BadField("why", fmt.Sprintf("want the reason, in at most %d bytes", breaker.MaxOverrideWhy)))
		return
	case body.TTLSeconds < 1 || body.TTLSeconds > most:
		gateway.WriteProblem(w, r, gateway.BadField("ttl_seconds", fmt.Sprintf("want 1 to %d", most)))
		return
	}
	o := breaker.Override{
		Mode: body.Mode, By: by, Why: body.Why,
		Until: m.now().Add(time.Duration(body.TTLSeconds) * time.Second).Truncate(time.Millisecond),
	}
	if err := c.SetOverride(r.Context(), o); err != nil {
		m.unavailable(w, r, err)
		return
	}
	gateway.WriteJSON(w, http.StatusOK, newOverride(o))
}

func (m *monitor) clearOverride(w http.ResponseWriter, r *http.Request, c Circuit, by string) {
	if err := c.ClearOverride(r.Context(), by); err != nil {
		m.unavailable(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
