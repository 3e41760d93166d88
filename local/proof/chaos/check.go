package chaos

import (
	"fmt"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Check compares a log with the circuit's invariants and returns each breach.
func Check(l fleet.Log) []string {
	var found []string
	for _, check := range []func(fleet.Log) []string{
		oneProbe, rejectedStayAway, openHolds, oneWriter, legalTransitions, leasesRespected, openedByThreshold, closedBySuccesses, toldOnce, nobodyCrashed,
	} {
		found = append(found, check(l)...)
	}
	return found
}

// oneProbe: the fleet's probes do not overlap at the dependency. Environments
// on their local fallback probe on their own, and one that is frozen during a
// call cannot keep to its lease.
func oneProbe(l fleet.Log) (found []string) {
	var probes []fleet.Request
	for _, r := range l.Requests {
		if r.FleetProbe() && !l.Frozen(r) {
			probes = append(probes, r)
		}
	}
	for i, a := range probes {
		for _, b := range probes[i+1:] {
			if b.Began.Before(a.End()) && a.Began.Before(b.End()) {
				found = append(found, fmt.Sprintf("two fleet probes at once: %s from %s to %s, %s from %s", a.Environment, clock(a.Began), clock(a.End()), b.Environment, clock(b.Began)))
			}
		}
	}
	return found
}

// rejectedStayAway: a rejected call does not reach the dependency, and one that
// is admitted reaches it once.
func rejectedStayAway(l fleet.Log) (found []string) {
	reached := map[int64]int{}
	for _, r := range l.Requests {
		reached[r.Call]++
		if reached[r.Call] > 1 {
			found = append(found, fmt.Sprintf("call %d reached the dependency %d times", r.Call, reached[r.Call]))
		}
	}
	for _, r := range l.Reports {
		if r.Kind == wire.Done && r.Outcome == wire.Rejected && reached[r.Call] > 0 {
			found = append(found, fmt.Sprintf("call %d was rejected and reached the dependency", r.Call))
		}
	}
	return found
}

// openHolds: once the circuit has opened, calls that are no probes end to reach
// the dependency when the oldest record that an environment may still trust is
// older than the opening. A circuit that is half-open holds them off as well.
func openHolds(l fleet.Log) (found []string) {
	grace := max(l.Settings.MaxAge, 0) + fleet.Deciding
	for _, o := range outages(l) {
		for _, r := range l.Requests {
			late := r.Began.After(o.From.Add(grace)) && (o.To.IsZero() || r.Began.Before(o.To))
			if late && !r.Probe && !r.Local && !l.Frozen(r) {
				found = append(found, fmt.Sprintf("call %d of %s reached the dependency %s after the circuit opened", r.Call, r.Environment, r.Began.Sub(o.From)))
			}
		}
	}
	return found
}

// outages are the times in which the circuit was not closed.
func outages(l fleet.Log) []fleet.Span {
	var spans []fleet.Span
	for _, w := range l.Generations() {
		last := len(spans) - 1
		away := last >= 0 && spans[last].To.IsZero()
		switch {
		case w.State != breaker.Closed && !away:
			spans = append(spans, fleet.Span{From: w.At})
		case w.State == breaker.Closed && away:
			spans[last].To = w.At
		}
	}
	return spans
}

// oneWriter: generations follow one another, and each is one write's.
func oneWriter(l fleet.Log) (found []string) {
	for i, w := range l.Writes {
		if i == 0 {
			continue
		}
		before := l.Writes[i-1]
		switch {
		case w.Generation > before.Generation+1:
			found = append(found, fmt.Sprintf("generation %d follows %d", w.Generation, before.Generation))
		case w.Generation == before.Generation && (w.Writer != before.Writer || w.State != before.State || w.Epoch != before.Epoch):
			found = append(found, fmt.Sprintf("generation %d was written by %s as %s and by %s as %s", w.Generation, before.Writer, before.State, w.Writer, w.State))
		}
	}
	return found
}

// pairs returns each generation and the one before, beginning with the missing
// item.
func pairs(l fleet.Log, f func(from, to fleet.Write)) {
	from := fleet.Write{Record: breaker.Record{State: breaker.Closed}}
	for _, to := range l.Generations() {
		if to.Generation > from.Generation {
			f(from, to)
		}
		from = to
	}
}

// legalTransitions: no other change of state than the machine knows.
func legalTransitions(l fleet.Log) (found []string) {
	type change struct{ from, to breaker.State }
	legal := map[change]bool{
		{breaker.Closed, breaker.Closed}: true, {breaker.Closed, breaker.Open}: true,
		{breaker.Open, breaker.Open}: true, {breaker.Open, breaker.HalfOpen}: true,
		{breaker.HalfOpen, breaker.HalfOpen}: true, {breaker.HalfOpen, breaker.Open}: true, {breaker.HalfOpen, breaker.Closed}: true,
	}
	pairs(l, func(from, to fleet.Write) {
		if !legal[change{from.State, to.State}] {
			found = append(found, fmt.Sprintf("generation %d: %s became %s", to.Generation, from.State, to.State))
		}
	})
	return found
}

// leasesRespected: a probe slot that is taken is taken over only after its
// lease. A claim is answered after it was decided.
func leasesRespected(l fleet.Log) (found []string) {
	pairs(l, func(from, to fleet.Write) {
		claimed := to.ProbeOwner != "" && (to.ProbeOwner != from.ProbeOwner || to.ProbeUntil != from.ProbeUntil)
		if from.ProbeOwner != "" && claimed && to.At.Add(l.Skew).UnixMilli() < from.ProbeUntil {
			found = append(found, fmt.Sprintf("generation %d: %s took the slot %s before the lease of %s ended", to.Generation, to.ProbeOwner, time.UnixMilli(from.ProbeUntil).Sub(to.At), from.ProbeOwner))
		}
	})
	return found
}

// openedByThreshold: a closed circuit opens by as many failures within one
// window as its threshold, or by a rate limit. The last of them may have found
// the set full of expired ones.
func openedByThreshold(l fleet.Log) (found []string) {
	pairs(l, func(from, to fleet.Write) {
		if from.State != breaker.Closed || to.State != breaker.Open || to.Reason == breaker.ReasonRateLimited {
			return
		}
		oldest := to.At.Add(-l.Settings.FailureWindow - 2*l.Skew - fleet.Deciding).UnixMilli()
		live := 0
		for _, id := range from.Failures {
			if id.At() >= oldest {
				live++
			}
		}
		refused := live == l.Settings.FailureThreshold-1 && len(from.Failures) > live
		if live < l.Settings.FailureThreshold && !refused {
			found = append(found, fmt.Sprintf("generation %d: opened by %d failures", to.Generation, live))
		}
	})
	return found
}

// closedBySuccesses: each success that counts is a fleet probe which its owner
// made between its claim and that write, and which the dependency answered; and
// the circuit closes by as many as its threshold.
func closedBySuccesses(l fleet.Log) (found []string) {
	pairs(l, func(from, to fleet.Write) {
		closes := from.State == breaker.HalfOpen && to.State == breaker.Closed
		counts := to.State == breaker.HalfOpen && to.Successes > from.Successes
		if closes && from.Successes != l.Settings.SuccessThreshold-1 {
			found = append(found, fmt.Sprintf("generation %d: closed after %d successes", to.Generation, from.Successes+1))
		}
		if (closes || counts) && !succeeded(l, from.ProbeOwner, from.At, to.At) {
			found = append(found, fmt.Sprintf("generation %d: a success of %q that the dependency knows nothing of", to.Generation, from.ProbeOwner))
		}
	})
	return found
}

func succeeded(l fleet.Log, owner string, from, to time.Time) bool {
	for _, r := range l.Requests {
		if r.FleetProbe() && r.Environment == owner && r.Status == 200 && !r.Began.Before(from) && !r.Began.After(to) {
			return true
		}
	}
	return false
}

// toldOnce: an environment tells of a transition only if it made it, and once.
func toldOnce(l fleet.Log) (found []string) {
	made := map[int64]fleet.Write{}
	for _, w := range l.Generations() {
		made[w.Generation] = w
	}
	told := map[int64]bool{}
	for _, r := range l.Reports {
		t := r.Transition
		if r.Kind != wire.Transition || t.Local {
			continue
		}
		switch {
		case told[t.Generation]:
			found = append(found, fmt.Sprintf("generation %d was told twice", t.Generation))
		case made[t.Generation].State != t.To:
			found = append(found, fmt.Sprintf("generation %d is %q and was told as %s", t.Generation, made[t.Generation].State, t.To))
		}
		told[t.Generation] = true
	}
	return found
}

func nobodyCrashed(l fleet.Log) (found []string) {
	for _, id := range l.Crashed {
		found = append(found, id+" ended without being killed")
	}
	return found
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }
