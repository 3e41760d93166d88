package properties

import (
	"slices"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// ledger is the reference of a circuit: the plain list of what happened since its
// state last changed. It has no store, no cache, no fence and no bounded set. A
// ledger is a value: each event returns a new one. Times are Unix ms of the one clock.
type ledger struct {
	settings breaker.Settings
	era      int // how many states the circuit has been in before
	state    breaker.State
	since    int64 // when this era began
	failed   []failed
	probes   []trial
	opened   []int64 // each opening of this outage
	retryAt  int64
	reason   string
	tripped  int // failures that opened the circuit
	lastFail int64
	limit    int64            // ms that the next probe may take, if earlier ones were cut
	override breaker.Override // none without a mode
}

// failed is one failed call of a closed era.
type failed struct {
	at          int64
	environment string
}

// trial is one probe of a half-open era.
type trial struct {
	until       int64 // when its lease ends, or a pause after it
	begun       int64
	limit       int64 // ms
	ended, good bool
	fenced      bool // an override was set since: its result says nothing
}

// answer is the circuit's decision about a call.
type answer string

const (
	pass   answer = "pass"
	probe  answer = "probe"
	reject answer = "reject"
)

func (l ledger) answer(now int64) answer {
	switch l.overridden(now) {
	case breaker.OverrideOpen:
		return reject
	case breaker.OverrideClosed, breaker.OverrideDisabled:
		return pass
	}
	switch l.state {
	case breaker.Closed:
		return pass
	case breaker.Open:
		if now < l.retryAt {
			return reject
		}
	case breaker.HalfOpen:
		if last := l.probes[len(l.probes)-1]; !last.ended && now <= last.until {
			return reject
		}
	}
	return probe
}

// overridden returns the mode of the override in force, or "".
func (l ledger) overridden(now int64) breaker.OverrideMode {
	if l.override.Mode != "" && now < l.override.Until.UnixMilli() {
		return l.override.Mode
	}
	return ""
}

// turns returns the moments at which time alone changes an answer.
func (l ledger) turns() []int64 {
	var ends []int64
	if l.override.Mode != "" {
		ends = append(ends, l.override.Until.UnixMilli())
	}
	switch l.state {
	case breaker.Open:
		return append(ends, l.retryAt)
	case breaker.HalfOpen:
		return append(ends, l.probes[len(l.probes)-1].until)
	}
	for _, f := range l.failed {
		ends = append(ends, f.at+l.settings.FailureWindow.Milliseconds())
	}
	return ends
}

// shown returns the state that statistics show.
func (l ledger) shown(now int64) breaker.State {
	switch mode := l.overridden(now); {
	case mode == breaker.OverrideOpen:
		return breaker.Open
	case mode != "":
		return breaker.Closed
	case l.state == breaker.Open && l.answer(now) == probe:
		return breaker.HalfOpen
	}
	return l.state
}

// rejection returns the error of a call that is rejected at now. During a probe
// it names a second to wait.
func (l ledger) rejection(now int64) breaker.OpenError {
	e := breaker.OpenError{Circuit: l.settings.Name, State: l.shown(now), Reason: l.reason, RetryAfter: time.Second}
	switch {
	case l.overridden(now) == breaker.OverrideOpen:
		e.Reason = breaker.ReasonOverride
		e.RetryAfter = min(l.override.Until.Sub(time.UnixMilli(now)), l.settings.RecoveryTimeout)
	case l.state == breaker.Open && now < l.retryAt:
		e.RetryAfter = time.Duration(l.retryAt-now) * time.Millisecond
	}
	return e
}

// recent counts the environments that failed inside the window, and their
// failures: of each at most what the others leave of the threshold.
func (l ledger) recent(now int64) (environments, failures int) {
	of := make(map[string]int)
	for _, f := range l.failed {
		if now-f.at <= l.settings.FailureWindow.Milliseconds() {
			of[f.environment]++
		}
	}
	for _, n := range of {
		failures += min(n, l.settings.FailureThreshold-l.settings.MinEnvironments+1)
	}
	return len(of), failures
}

func (l ledger) goodProbes() int {
	n := 0
	for _, p := range l.probes {
		if p.good {
			n++
		}
	}
	return n
}

func (l ledger) stats(now int64) breaker.Stats {
	s := breaker.Stats{
		Name: l.settings.Name, State: l.shown(now),
		FailureThreshold: l.settings.FailureThreshold, SuccessThreshold: l.settings.SuccessThreshold,
		LastFailureTime: moment(l.lastFail),
	}
	switch {
	case l.state == breaker.Closed:
		_, s.FailureCount = l.recent(now)
	case s.State != breaker.Closed:
		s.FailureCount, s.SuccessCount, s.OpenedAt = l.tripped, l.goodProbes(), moment(l.opened[len(l.opened)-1])
	}
	if l.overridden(now) != "" {
		s.Override = &l.override
	}
	return s
}

func moment(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := time.UnixMilli(ms).UTC()
	return &t
}

// fails adds the failure, reported now, of an ordinary call that era admitted.
func (l ledger) fails(era int, environment string, o breaker.Outcome, now int64) ledger {
	if until := min(now+o.OpenFor.Milliseconds(), l.since+l.settings.MaxOpen.Milliseconds()); o.OpenFor > 0 && l.state == breaker.Open &&
		now < l.retryAt && l.retryAt < until && l.overridden(now) != breaker.OverrideDisabled {
		l.retryAt = until
		return l
	}
	if era != l.era || l.state != breaker.Closed || l.overridden(now) == breaker.OverrideDisabled {
		return l
	}
	if o.OpenFor > 0 {
		_, n := l.recent(now)
		l.tripped = n + 1
		return l.opens(o, now)
	}
	l.failed, l.lastFail = append(slices.Clip(l.failed), failed{now, environment}), now
	if environments, n := l.recent(now); n >= l.settings.FailureThreshold && environments >= l.settings.MinEnvironments {
		l.tripped = n
		return l.opens(o, now)
	}
	return l
}

func (l ledger) opens(o breaker.Outcome, now int64) ledger {
	wait := l.settings.RecoveryTimeout
	for range l.opened {
		wait = time.Duration(float64(wait) * l.settings.OpenBackOff)
	}
	if o.OpenFor > 0 {
		wait = o.OpenFor
	}
	return ledger{
		settings: l.settings, era: l.era + 1, state: breaker.Open, since: now,
		opened: append(slices.Clip(l.opened), now), retryAt: now + min(wait, l.settings.MaxOpen).Milliseconds(),
		reason: o.Reason, tripped: l.tripped, lastFail: now, override: l.override,
	}
}

// reopens ends a failed probe. One that took all its time makes the next one's limit
// twice as long, and the first such of an outage is repeated after a quarter of the
// time.
func (l ledger) reopens(p trial, o breaker.Outcome, now int64) ledger {
	next := l.opens(o, now)
	next.limit = l.limit
	if o.OpenFor == 0 && now >= p.begun+p.limit {
		next.limit = 2 * p.limit
		if l.limit == 0 {
			next.retryAt = now + (next.retryAt-now)/4
		}
	}
	return next
}

// overrides sets or clears an override. The lease of a running probe stays, and the
// half-open round begins again.
func (l ledger) overrides(o breaker.Override, now int64) ledger {
	if o.Mode == "" && l.overridden(now) == "" {
		return l
	}
	l.override = o
	l.probes = slices.Clone(l.probes)
	for i := range l.probes {
		l.probes[i].good, l.probes[i].fenced = false, true
	}
	return l
}

// probed begins a probe. Its number is its place in the era's list.
func (l ledger) probed(now int64) ledger {
	if l.state == breaker.Open {
		l.era, l.state, l.since, l.probes = l.era+1, breaker.HalfOpen, now, nil
	}
	// The probe itself, both clocks' deviation, and the claim's own write.
	limit := max(l.settings.ProbeTimeout.Milliseconds(), l.limit)
	lease := limit + (2*l.settings.MaxClockSkew + l.settings.StoreTimeout).Milliseconds()
	l.probes = append(slices.Clip(l.probes), trial{until: now + lease, begun: now, limit: limit})
	return l
}

// concludes ends a probe, unless another has begun since.
func (l ledger) concludes(era, number int, o breaker.Outcome, now int64) ledger {
	if era != l.era || number != len(l.probes)-1 || l.probes[number].fenced {
		return l
	}
	if o.Verdict == breaker.Failed {
		return l.reopens(l.probes[number], o, now)
	}
	l.probes = slices.Clone(l.probes)
	p := &l.probes[number]
	if o.Verdict == breaker.Neutral { // nobody probes for a second
		p.fenced, p.until = true, now+1_000
		return l
	}
	p.ended, p.good = true, o.Verdict == breaker.Succeeded && now <= p.until
	if l.goodProbes() == l.settings.SuccessThreshold {
		return ledger{settings: l.settings, era: l.era + 1, state: breaker.Closed, since: now, lastFail: l.lastFail}
	}
	return l
}
