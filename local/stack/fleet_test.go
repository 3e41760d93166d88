package stack

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/jirasim"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// A fleet of real environments in front of a dead Jira: the circuit opens with
// the fifth recorded failure, and from then on the whole fleet sends one
// request per recovery time.
func TestTwentyEnvironmentsProbeOncePerWindow(t *testing.T) {
	const (
		fleet    = 20
		recovery = 3 * time.Second
		windows  = 4
	)
	s := newStack(t, Config{Parameters: quick("JiraRecoveryTimeout", "3")})
	if err := s.Functions["JiraFunction"].Warm(t.Context(), fleet); err != nil {
		t.Fatal(err)
	}
	setJira(t, s, jirasim.Fault{Kind: jirasim.Down})
	call(t.Context(), s, fleet, 1)
	// Whoever finds five recorded opens it, and counts its own though there was
	// no room for it.
	if state, failures := circuit(t, s); state != "open" || failures < 5 || failures > 6 {
		t.Fatalf("circuit is %s with %d failures, want open with 5 or 6", state, failures)
	}
	if got := len(s.Jira.Log()); got > fleet*4 {
		t.Errorf("%d requests reached Jira before the opening, want at most %d calls of 4 tries", got, fleet)
	}
	// From here on every environment has learnt of the opening.
	settled := time.Now().Add(breaker.DefaultMaxAge)
	probes := func() []jirasim.Request {
		return slices.DeleteFunc(s.Jira.Log(), func(r jirasim.Request) bool { return r.Time.Before(settled) })
	}

	ctx, cancel := context.WithCancel(t.Context())
	var traffic sync.WaitGroup
	traffic.Go(func() { call(ctx, s, fleet, 1<<30) })
	eventually(t, (windows+1)*(recovery+time.Second), "enough probes reach Jira", func() bool { return len(probes()) >= windows })
	cancel()
	traffic.Wait()

	for i, probe := range probes()[1:] {
		gap := probe.Time.Sub(probes()[i].Time)
		t.Logf("probe after %s", gap.Round(time.Millisecond))
		if gap < recovery || gap > recovery+time.Second {
			t.Errorf("probe %d came %s after the one before, want one per %s", i+1, gap, recovery)
		}
	}
	if got := s.Log.Count("Circuit breaker 'jira_api' HALF_OPEN"); got != len(probes()) {
		t.Errorf("HALF_OPEN was logged %d times for %d probes", got, len(probes()))
	}
	for _, e := range s.Functions["JiraFunction"].Environments() {
		if e.Invocations < windows {
			t.Errorf("environment %s served only %d calls", e.ID, e.Invocations)
		}
	}
}

// call has n clients make calls one after the other, until ctx ends.
func call(ctx context.Context, s *Stack, n, times int) {
	var clients sync.WaitGroup
	for range n {
		clients.Go(func() {
			pace := time.NewTicker(50 * time.Millisecond) // leaves the machine room to breathe
			defer pace.Stop()
			for range times {
				request(ctx, s, "POST", "/jira/search", search)
				select {
				case <-pace.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	clients.Wait()
}
