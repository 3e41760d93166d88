package chaos

import (
	"fmt"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// The invariants that a log shows, under the names of docs/correctness.md. The
// others are the subject of single tests: 5 of together_test.go, 8 of
// store_test.go, and 7 of nearly all, which end with a circuit that closes.
const (
	mustProbeAlone       = "1 at most one probe at a time"
	mustFence            = "2 generations only rise, and each is one write's"
	mustOpenByFailures   = "3 a circuit opens only after enough failures of one epoch in one window"
	mustCloseBySuccesses = "4 a circuit closes only after enough fenced successes of one round"
	mustDecideOnce       = "6 each call has one decision and one outcome"
	mustAnnounceOnce     = "9 a transition is announced at most once"
)

// mustStayAlive is no invariant of the circuit, but of its code.
const mustStayAlive = "no environment ends unless it is killed"

// Check compares a log with the circuit's invariants and returns each breach.
func Check(l fleet.Log) []string {
	c := checker{Log: l}
	c.probesOverlap()
	c.leasesAreRespected()
	c.generationsFollow()
	c.transitionsAreLegal()
	c.failuresOpen()
	c.successesClose()
	c.callsAreDecidedOnce()
	c.openHolds()
	c.announcements()
	for _, id := range l.Crashed {
		c.broken(mustStayAlive, "%s ended", id)
	}
	return c.breaches
}

type checker struct {
	fleet.Log
	breaches []string
}

func (c *checker) broken(invariant, format string, args ...any) {
	c.breaches = append(c.breaches, invariant+": "+fmt.Sprintf(format, args...))
}

// changes calls f with each generation and the one before, beginning with the
// missing item.
func (c *checker) changes(f func(from, to fleet.Write)) {
	from := fleet.Write{Record: breaker.Record{State: breaker.Closed}}
	for _, to := range c.Generations() {
		if to.Generation > from.Generation {
			f(from, to)
		}
		from = to
	}
}

// probesOverlap leaves out the probes of environments on their local fallback,
// which probe on their own, and of those that were frozen during the call, which
// cannot keep to their lease.
func (c *checker) probesOverlap() {
	var probes []fleet.Request
	for _, r := range c.Requests {
		if r.FleetProbe() && !c.Frozen(r) {
			probes = append(probes, r)
		}
	}
	for i, a := range probes {
		for _, b := range probes[i+1:] {
			if b.Began.Before(a.End()) && a.Began.Before(b.End()) {
				c.broken(mustProbeAlone, "two fleet probes at once: %s from %s to %s, %s from %s", a.Environment, clock(a.Began), clock(a.End()), b.Environment, clock(b.Began))
			}
		}
	}
}

// leasesAreRespected checks that a lease is taken over only after its end. The
// store answers a claim after it was decided.
func (c *checker) leasesAreRespected() {
	c.changes(func(from, to fleet.Write) {
		claimed := to.ProbeOwner != "" && (to.ProbeOwner != from.ProbeOwner || to.ProbeUntil != from.ProbeUntil)
		if from.ProbeOwner != "" && claimed && to.At.Add(c.Skew).UnixMilli() < from.ProbeUntil {
			c.broken(mustProbeAlone, "generation %d: %s claimed %s before the lease of %s ended", to.Generation, to.ProbeOwner, time.UnixMilli(from.ProbeUntil).Sub(to.At), from.ProbeOwner)
		}
	})
}

func (c *checker) generationsFollow() {
	for i := 1; i < len(c.Writes); i++ {
		before, w := c.Writes[i-1], c.Writes[i]
		switch {
		case w.Generation > before.Generation+1:
			c.broken(mustFence, "generation %d follows %d", w.Generation, before.Generation)
		case w.Generation == before.Generation && (w.Writer != before.Writer || w.State != before.State || w.Epoch != before.Epoch):
			c.broken(mustFence, "generation %d was written by %s as %s and by %s as %s", w.Generation, before.Writer, before.State, w.Writer, w.State)
		}
	}
}

func (c *checker) transitionsAreLegal() {
	type transition struct{ from, to breaker.State }
	illegal := map[transition]string{
		{breaker.Closed, breaker.HalfOpen}: mustOpenByFailures,
		{breaker.Open, breaker.Closed}:     mustCloseBySuccesses,
	}
	c.changes(func(from, to fleet.Write) {
		if invariant, ok := illegal[transition{from.State, to.State}]; ok {
			c.broken(invariant, "generation %d: %s became %s", to.Generation, from.State, to.State)
		}
	})
}

// failuresOpen checks that a closed circuit opens by as many failures within one
// window as its threshold, or by a rate limit. The last failure is not stored if
// it finds the set full of expired ones.
func (c *checker) failuresOpen() {
	c.changes(func(from, to fleet.Write) {
		if from.State != breaker.Closed || to.State != breaker.Open || to.Reason == breaker.ReasonRateLimited {
			return
		}
		oldest := to.At.Add(-c.Settings.FailureWindow - 2*c.Skew - fleet.Deciding).UnixMilli()
		live := 0
		for _, id := range from.Failures {
			if id.At() >= oldest {
				live++
			}
		}
		lastNotStored := live == c.Settings.FailureThreshold-1 && len(from.Failures) > live
		if live < c.Settings.FailureThreshold && !lastNotStored {
			c.broken(mustOpenByFailures, "generation %d: opened by %d failures", to.Generation, live)
		}
	})
}

// successesClose checks that each success that counts is a fleet probe which its
// owner made between its claim and that write, and which the dependency answered;
// and that the circuit closes by as many as its threshold.
func (c *checker) successesClose() {
	c.changes(func(from, to fleet.Write) {
		closes := from.State == breaker.HalfOpen && to.State == breaker.Closed
		counts := to.State == breaker.HalfOpen && to.Successes > from.Successes
		if closes && from.Successes != c.Settings.SuccessThreshold-1 {
			c.broken(mustCloseBySuccesses, "generation %d: closed after %d successes", to.Generation, from.Successes+1)
		}
		if (closes || counts) && !c.succeeded(from.ProbeOwner, from.At, to.At) {
			c.broken(mustCloseBySuccesses, "generation %d: the dependency has no successful probe of %q", to.Generation, from.ProbeOwner)
		}
	})
}

func (c *checker) succeeded(owner string, from, to time.Time) bool {
	for _, r := range c.Requests {
		if r.FleetProbe() && r.Environment == owner && r.Status == 200 && !r.Began.Before(from) && !r.Began.After(to) {
			return true
		}
	}
	return false
}

// callsAreDecidedOnce checks that a rejected call does not reach the dependency,
// and that an admitted one reaches it at most once.
func (c *checker) callsAreDecidedOnce() {
	reached := map[int64]int{}
	for _, r := range c.Requests {
		reached[r.Call]++
		if reached[r.Call] > 1 {
			c.broken(mustDecideOnce, "call %d reached the dependency %d times", r.Call, reached[r.Call])
		}
	}
	for _, r := range c.Reports {
		if r.Kind == wire.Done && r.Outcome == wire.Rejected && reached[r.Call] > 0 {
			c.broken(mustDecideOnce, "call %d was rejected and reached the dependency", r.Call)
		}
	}
}

// openHolds checks that an outage keeps all calls but probes from the dependency,
// from the time when every cached record is too old to be used.
func (c *checker) openHolds() {
	grace := max(c.Settings.MaxAge, 0) + fleet.Deciding
	for _, o := range c.outages() {
		for _, r := range c.Requests {
			late := r.Began.After(o.From.Add(grace)) && (o.To.IsZero() || r.Began.Before(o.To))
			if late && !r.Probe && !r.Local && !c.Frozen(r) {
				c.broken(mustDecideOnce, "call %d of %s reached the dependency %s after the circuit opened", r.Call, r.Environment, r.Began.Sub(o.From))
			}
		}
	}
}

// outages returns the times in which the circuit was not closed.
func (c *checker) outages() []fleet.Span {
	var outages []fleet.Span
	for _, w := range c.Generations() {
		last := len(outages) - 1
		lasts := last >= 0 && outages[last].To.IsZero()
		switch {
		case w.State != breaker.Closed && !lasts:
			outages = append(outages, fleet.Span{From: w.At})
		case w.State == breaker.Closed && lasts:
			outages[last].To = w.At
		}
	}
	return outages
}

// announcements checks that an environment announces a transition only if it
// made it, and once.
func (c *checker) announcements() {
	made := map[int64]fleet.Write{}
	for _, w := range c.Generations() {
		made[w.Generation] = w
	}
	announced := map[int64]bool{}
	for _, r := range c.Reports {
		t := r.Transition
		if r.Kind != wire.Transition || t.Local {
			continue
		}
		switch {
		case announced[t.Generation]:
			c.broken(mustAnnounceOnce, "generation %d was announced twice", t.Generation)
		case made[t.Generation].State != t.To:
			c.broken(mustAnnounceOnce, "generation %d is %q and was announced as %s", t.Generation, made[t.Generation].State, t.To)
		}
		announced[t.Generation] = true
	}
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }
