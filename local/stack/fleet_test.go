package stack

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

const (
	fleet    = 20
	recovery = 3 * time.Second
	windows  = 4
)

// A fleet of real environments in front of a dead Jira: the circuit opens with
// the fifth recorded failure, and from then on the whole fleet sends one
// request per recovery time.
//
// An environment that finds the store too slow decides alone and probes alone,
// as it should; on a machine that is too busy the fleet does so, and what was
// seen says nothing of the rule. It is then tried again, a few times.
func TestTwentyEnvironmentsProbeOncePerWindow(t *testing.T) {
	for attempt := 1; ; attempt++ {
		s := newStack(t, Config{Parameters: quick("JiraFailureRate", "0", "JiraRecoveryTimeout", "3", "JiraBaseDelay", "0.2", "JiraMaxDelay", "0.5")})
		err := outage(t.Context(), s)
		lost := s.Log.Count("Circuit store unreachable")
		s.Close()
		switch {
		case err == nil:
			return
		case lost == 0 || attempt == 3:
			t.Fatalf("attempt %d, in which environments lost the store %d times: %v", attempt, lost, err)
		}
		t.Logf("once more, environments lost the store %d times: %v", lost, err)
	}
}

// outage lets the fleet meet a dead Jira and checks what reaches it.
func outage(ctx context.Context, s *Stack) error {
	if err := s.Functions["JiraFunction"].Warm(ctx, fleet); err != nil {
		return err
	}
	if err := s.Jira.Set(atlassiansim.Fault{Kind: atlassiansim.Down}); err != nil {
		return err
	}
	callTogether(ctx, s, 1)
	state, failures, err := readCircuit(ctx, s)
	if err != nil {
		return err
	}
	if state != "open" || failures != 5 {
		return fmt.Errorf("circuit is %s with %d failures, want open with 5", state, failures)
	}
	if got := len(s.Jira.Log()); got > fleet*4 {
		return fmt.Errorf("%d requests reached Jira before the opening, want at most %d calls of 4 tries", got, fleet)
	}
	// From here on every environment has learnt of the opening.
	settled := time.Now().Add(breaker.DefaultMaxAge)
	probes := func() []atlassiansim.Request {
		return slices.DeleteFunc(s.Jira.Log(), func(r atlassiansim.Request) bool { return r.Time.Before(settled) })
	}
	traffic, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	clients.Go(func() { callTogether(traffic, s, 1<<30) })
	err = wait.For(ctx, (windows+1)*(recovery+time.Second), "enough probes reach Jira", func() bool { return len(probes()) >= windows })
	stop()
	clients.Wait()
	if err != nil {
		return err
	}
	return oncePerWindow(ctx, s, probes())
}

func oncePerWindow(ctx context.Context, s *Stack, probes []atlassiansim.Request) error {
	for i, probe := range probes[1:] {
		gap := probe.Time.Sub(probes[i].Time)
		if gap < recovery || gap > recovery+time.Second {
			return fmt.Errorf("probe %d came %s after the one before, want one per %s", i+1, gap, recovery)
		}
	}
	line := "Circuit breaker 'jira_api' HALF_OPEN"
	err := wait.For(ctx, 2*time.Second, line, func() bool { return s.Log.Count(line) >= len(probes) })
	if got := s.Log.Count(line); err == nil && got != len(probes) {
		err = fmt.Errorf("%s was logged %d times for %d probes", line, got, len(probes))
	}
	for _, e := range s.Functions["JiraFunction"].Environments() {
		if err == nil && e.Invocations < windows {
			err = fmt.Errorf("environment %s served only %d calls", e.ID, e.Invocations)
		}
	}
	return err
}

// callTogether has as many clients as environments make calls one after the
// other, until ctx ends.
func callTogether(ctx context.Context, s *Stack, times int) {
	var clients sync.WaitGroup
	for range fleet {
		clients.Go(func() {
			pace := time.NewTicker(100 * time.Millisecond) // leaves the machine room to breathe
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
