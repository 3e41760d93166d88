package chaos

import (
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

const fifty = 50

// Each of fifty processes fails once, all at the same time, and the threshold is
// fifty: one lost failure would leave the circuit closed. An environment that
// starts then rejects its first call.
func TestNoneOfManyFailuresAtOnceIsLost(t *testing.T) {
	s := settings()
	s.FailureThreshold, s.RecoveryTimeout, s.StoreTimeout = fifty, time.Minute, 10*time.Second
	h := newHarness(t, fleet.Config{Environments: fifty, Settings: s})
	h.Dependency.Set(fleet.Behaviour{Status: 503, Latency: long})
	for _, r := range h.Fleet.Together(t.Context(), h.Fleet.All()) {
		if r.Outcome != wire.Failed || r.Local {
			t.Fatalf("a call was %s, local %v", r.Outcome, r.Local)
		}
	}
	record, err := h.Record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if record.State != breaker.Open || record.TrippedBy != fifty {
		t.Fatalf("the circuit is %s by %d failures, want open by %d", record.State, record.TrippedBy, fifty)
	}
	cold, err := h.Fleet.Add(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := h.Fleet.Call(t.Context(), cold[0]); !ok || r.Outcome != wire.Rejected {
		t.Errorf("a cold environment's first call was %s", r.Outcome)
	}
}
