package resilience

import (
	"net/http"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Limits of a history.
const (
	defaultHistory = 20
	maxHistory     = 100
)

// transition is an entry of a circuit's history: a change of its state, or of
// its override, in which case from and to are the same.
type transition struct {
	At         gateway.Timestamp  `json:"at"`
	From       breaker.State      `json:"from"`
	To         breaker.State      `json:"to"`
	Generation int64              `json:"generation"`
	Reason     string             `json:"reason,omitempty"`
	RetryAt    *gateway.Timestamp `json:"retry_at,omitempty"`
	// Opens counts the openings of one outage, the first included.
	Opens int `json:"opens,omitempty"`
	// FailureRate and Calls are those that opened a circuit with a failure rate.
	FailureRate *ratio    `json:"failure_rate,omitempty"`
	Calls       int       `json:"calls,omitempty"`
	Override    *override `json:"override,omitempty"`
	Cleared     bool      `json:"cleared,omitempty"` // the override ended before its time
	ClearedBy   string    `json:"cleared_by,omitempty"`
}

func newTransition(t breaker.Transition) transition {
	entry := transition{
		At: gateway.Timestamp(t.At), From: t.From, To: t.To, Generation: t.Generation, Reason: t.Reason, Opens: t.Opens,
		Cleared: t.Cleared, ClearedBy: t.ClearedBy,
	}
	if !t.RetryAt.IsZero() {
		at := gateway.Timestamp(t.RetryAt)
		entry.RetryAt = &at
	}
	if t.Calls > 0 {
		entry.FailureRate, entry.Calls = new(ratio(float64(t.Failures)/float64(t.Calls))), t.Calls
	}
	if t.Override != nil {
		o := newOverride(*t.Override)
		entry.Override = &o
	}
	return entry
}

// history shows the newest entries, newest first. They are kept for 30 days.
func (m *monitor) history(w http.ResponseWriter, r *http.Request) {
	c, ok := m.named(w, r)
	if !ok {
		return
	}
	query, ok := gateway.Query(w, r, "limit")
	if !ok {
		return
	}
	limit, ok := gateway.Limit(w, r, query, defaultHistory, maxHistory)
	if !ok {
		return
	}
	list, err := c.History(r.Context(), limit)
	if err != nil {
		m.unavailable(w, r, err)
		return
	}
	entries := make([]transition, len(list))
	for i, t := range list {
		entries[i] = newTransition(t)
	}
	gateway.WriteJSON(w, http.StatusOK, gateway.PageOf(entries, ""))
}
