package resilience

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// gauge returns what is reported of the circuits.
func gauge(ctx context.Context, circuits ...Circuit) ([]breaker.Stats, error) {
	var reported []breaker.Stats
	err := Gauge(func(_ context.Context, s breaker.Stats) { reported = append(reported, s) }, circuits...)(ctx)
	return reported, err
}

// Nobody calls: what is gauged is what is stored.
func TestGaugeTellsTheEffectOfAnOverride(t *testing.T) {
	b := readFirst(t)
	until := time.Now().Add(time.Minute).Truncate(time.Millisecond)
	for _, c := range []struct {
		mode breaker.OverrideMode // empty: none
		want breaker.State
	}{
		{"", breaker.Closed},
		{breaker.OverrideOpen, breaker.Open},
		{breaker.OverrideClosed, breaker.Closed},
		{breaker.OverrideDisabled, breaker.Closed},
	} {
		if c.mode != "" {
			if err := b.SetOverride(t.Context(), breaker.Override{Mode: c.mode, By: "alice", Until: until}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := gauge(t.Context(), b)
		if err != nil || len(got) != 1 || got[0].State != c.want || (got[0].Override != nil) != (c.mode != "") {
			t.Errorf("override %q: got %+v, %v, want %s", c.mode, got, err, c.want)
		}
	}
}

func TestGaugeReportsEachCircuitInOrder(t *testing.T) {
	got, err := gauge(t.Context(), standing(breaker.Open, 5, 0), closed("confluence_api", 0))
	if err != nil || len(got) != 2 || got[0].Name != "jira_api" || got[0].State != breaker.Open || got[1].Name != "confluence_api" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestACircuitThatCannotBeReadFailsTheGauge(t *testing.T) {
	unreadable := errors.New("unreadable")
	broken := closed("confluence_api", 0)
	broken.err = unreadable
	if got, err := gauge(t.Context(), closed("jira_api", 0), broken); !errors.Is(err, unreadable) || len(got) > 0 {
		t.Errorf("reported %+v, %v", got, err)
	}
}

func TestGaugeWaitsForAHangingStoreOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jira, confluence := closed("jira_api", 0), closed("confluence_api", 0)
		jira.hangs, confluence.hangs = true, true
		start := time.Now()
		got, err := gauge(t.Context(), jira, confluence)
		if waited := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || len(got) > 0 || waited != readTimeout {
			t.Errorf("got %v, %v after %s, want %s", got, err, waited, readTimeout)
		}
	})
}
