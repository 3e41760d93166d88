package chaos

import (
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

const fifty = 50

// Each of fifty processes fails once, all at the same time, and as many
// failures are the threshold: the loss of one would leave the circuit closed.
// An environment that starts then knows before its first call.
func TestNoneOfManyFailuresAtOnceIsLost(t *testing.T) {
	s := settings()
	s.FailureThreshold, s.RecoveryTimeout, s.StoreTimeout = fifty, time.Minute, 10*time.Second
	w := newWorld(t, fleet.Config{Environments: fifty, Settings: s})
	w.Dependency.Set(fleet.Behaviour{Status: 503, Latency: long})
	for _, r := range w.Fleet.Together(t.Context(), w.Fleet.All()) {
		if r.Outcome != wire.Failed || r.Local {
			t.Fatalf("a call was %s, local %v", r.Outcome, r.Local)
		}
	}
	record, err := w.Record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if record.State != breaker.Open || record.TrippedBy != fifty {
		t.Fatalf("the circuit is %s by %d failures, want open by %d", record.State, record.TrippedBy, fifty)
	}
	cold, err := w.Fleet.Add(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := w.Fleet.Call(t.Context(), cold[0]); !ok || r.Outcome != wire.Rejected {
		t.Errorf("a cold environment's first call was %s", r.Outcome)
	}
}
