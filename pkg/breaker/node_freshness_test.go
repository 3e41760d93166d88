package breaker

import (
	"testing"
	"time"
)

func TestARecordIsReadAgainBeyondItsAge(t *testing.T) {
	open := Record{State: Open, RetryAt: noon + 30_000}
	halfOpen := Record{State: HalfOpen, ProbeOwner: "e", ProbeUntil: noon + 4_000}
	closing := halfOpen
	closing.Successes, closing.ProbeUntil = 1, noon+5_300-150
	hanging := closing
	hanging.ProbeUntil = noon + 5_300 - 200
	early := closing
	early.Successes = 0
	ahead := closedRecord()
	ahead.Failures = failuresAt(-3_600_000)
	failing := closedRecord()
	failing.Failures = failuresAt(0, 4_800)
	single := closedRecord()
	single.Failures = failuresAt(0, 5_000, 20_000, 40_000)
	stale := closedRecord()
	stale.Failures = failuresAt(4_899, 0)
	for rule, c := range map[string]struct {
		record Record
		age    int64
	}{
		"closed":                                 {closedRecord(), 1_200},
		"closed with two recent failures":        {failing, failingMaxAge},
		"closed with a single recent one":        {single, 1_200},
		"closed with one no longer recent":       {stale, 1_200},
		"open":                                   {open, openMaxAge},
		"half-open":                              {halfOpen, halfOpenMaxAge},
		"half-open, the last probe young":        {closing, closingMaxAge},
		"half-open, the last probe older":        {hanging, halfOpenMaxAge},
		"half-open, more than one success short": {early, halfOpenMaxAge},
		"closed with a failure far ahead":        {ahead, 1_200},
		"open by an override":                    {overridden(closedRecord(), OverrideOpen, noon+9_000), openMaxAge},
		"closed by an override though it is not": {overridden(open, OverrideClosed, noon+9_000), 1_200},
	} {
		n := newNode(c.record)
		if n.stale(noon+c.age) || !n.stale(noon+c.age+1) {
			t.Errorf("%s: at %d ms %v, a millisecond later %v", rule, c.age, n.stale(noon+c.age), n.stale(noon+c.age+1))
		}
	}
}

func TestAFailureIsRecentForFiveSeconds(t *testing.T) {
	r := closedRecord()
	r.Failures = failuresAt(0, 0)
	n := newNode(r)
	if !n.suspicious(noon+recentFailureAge-1) || n.suspicious(noon+recentFailureAge) {
		t.Error("not for five seconds")
	}
}

func TestReadFirstTrustsNoRecord(t *testing.T) {
	n := newNode(closedRecord())
	n.MaxAge = -1
	if !n.stale(noon) {
		t.Error("trusted")
	}
	if n.MaxAge = 0; n.stale(noon) {
		t.Error("an age of 0 is not beyond a MaxAge of 0")
	}
}

func TestARecordIsTrustedInTheMillisecondItWasAskedFor(t *testing.T) {
	want(t, newNode(closedRecord()).arrive(new(call), at(noon)), opAdmit)
}

func TestABackgroundReadStartsAfterRefreshAfter(t *testing.T) {
	for now, background := range map[int64]bool{noon + 900: false, noon + 901: true} {
		if o := newNode(closedRecord()).arrive(new(call), at(now)); o.kind != opAdmit || o.backgroundRead != background {
			t.Errorf("at %d ms: %+v", now-noon, o)
		}
	}
	if o := newNode(closedRecord()).pass(&call{loaded: true}, closedRecord(), noon+901); o.backgroundRead {
		t.Error("a call that has read needs no background read")
	}
	if o := newNode(closedRecord()).pass(&call{local: true}, closedRecord(), noon+901); o.backgroundRead {
		t.Error("a call without the store needs no background read")
	}
}

func TestOneBackgroundReadAtATime(t *testing.T) {
	n := newNode(closedRecord())
	now := noon + ms(n.RefreshAfter) + 1
	first, second, reader := new(call), new(call), new(call)
	if o := n.arrive(first, at(now)); o.kind != opAdmit || !o.backgroundRead {
		t.Errorf("next is %+v", o)
	}
	if o := n.arrive(second, at(now)); o.kind != opAdmit || o.backgroundRead {
		t.Errorf("a second read: %+v", o)
	}
	want(t, n.refresh(reader, at(now)), opLoad)
	want(t, n.replied(reader, answered(now+5, closedRecord(), true)), opDone)
	if o := n.arrive(second, at(now+5+ms(n.RefreshAfter)+1)); !o.backgroundRead {
		t.Errorf("none after the first has ended: %+v", o)
	}
}

func TestARejectionStandsForThoseOfTheNext10Ms(t *testing.T) {
	const after = 500 // ms after the record was read
	now := noon + int64(after)
	open, expiring, held := due(), due(), closedRecord()
	open.RetryAt, expiring.RetryAt = noon+30_000, now+4
	held.OverrideMode, held.OverrideUntil = OverrideOpen, noon+30_000
	ending := held
	ending.OverrideUntil = now + 4
	released := open
	released.OverrideMode, released.OverrideUntil = OverrideClosed, noon+30_000
	leased := due()
	leased.State, leased.ProbeOwner, leased.ProbeUntil = HalfOpen, "other", noon+3_000
	for rule, c := range map[string]struct {
		record Record
		now    int64
		lasts  int64 // -1: nothing stands
	}{
		"of an open circuit":                     {open, now, rejectionAge},
		"of an override":                         {held, now, rejectionAge},
		"of a probe in flight":                   {leased, noon + 5, rejectionAge},
		"until the record is read again":         {open, noon + openMaxAge - 3, 3},
		"not once it is old":                     {open, noon + openMaxAge + 1, -1},
		"not after the clock was set back":       {open, noon - 1, -1},
		"not just before a probe may begin":      {expiring, now, -1},
		"not just before an override ends":       {ending, now, -1},
		"not once a probe may begin":             {due(), now, -1},
		"not under an override that admits":      {released, now, -1},
		"until a half-open record is read again": {leased, noon + halfOpenMaxAge - 5, 5},
	} {
		got := newNode(c.record).freshness(nil, c.now)
		switch {
		case got == nil && c.lasts < 0:
		case got == nil || got.rejection == nil || got.from != c.now || got.until != c.now+c.lasts:
			t.Errorf("%s: got %+v", rule, got)
		}
	}
	lost := newNode(open)
	lost.storeFailed(&call{}, event{now: noon, err: errStore})
	if got := lost.freshness(nil, now); got != nil {
		t.Errorf("during a store outage: got %+v", got)
	}
}

func TestTheLockIsNotTakenWhileARecordIsFresh(t *testing.T) {
	failing := closedRecord()
	failing.Failures = failuresAt(0, 0)
	for rule, c := range map[string]struct {
		record          Record
		refresh, maxAge time.Duration
		lasts           int64
	}{
		"until a background read is due": {closedRecord(), 900 * time.Millisecond, time.Second, 900},
		"or a read before the call":      {closedRecord(), 900 * time.Millisecond, 500 * time.Millisecond, 500},
		"or it has recent failures":      {failing, 900 * time.Millisecond, time.Second, failingMaxAge},
	} {
		n := newNode(c.record)
		n.RefreshAfter, n.MaxAge = c.refresh, c.maxAge
		if got := n.freshness(nil, noon); got == nil || *got != (freshness{from: noon, until: noon + c.lasts, epoch: 4}) {
			t.Errorf("%s: got %+v", rule, got)
		}
	}
}

// A clock that steps back to before an override's end must not pass it by.
func TestTheLockIsTakenBeforeAnOverridesEnd(t *testing.T) {
	n := newNode(overridden(closedRecord(), OverrideOpen, noon+100))
	if f := n.freshness(nil, noon+200); f == nil || f.covers(noon+99) || !f.covers(noon+100) {
		t.Errorf("got %+v", f)
	}
}
