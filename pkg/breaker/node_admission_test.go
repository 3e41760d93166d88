package breaker

import (
	"testing"
	"time"
)

func TestARejectionSaysWhenToComeBack(t *testing.T) {
	n := newNode(due())
	for rule, c := range map[string]struct {
		r    Record
		now  int64
		want time.Duration
	}{
		"at the recovery time":               {due(), noon - 1, time.Millisecond},
		"after it, once a probe has decided": {due(), noon, time.Second},
		"half-open, the same":                {Record{State: HalfOpen, ProbeOwner: "e", ProbeUntil: noon + 9}, noon, time.Second},
		"at an override's end":               {overridden(due(), OverrideOpen, noon+7), noon, 7 * time.Millisecond},
		"or when it may have been cleared":   {overridden(due(), OverrideOpen, noon+90_000), noon, 30 * time.Second},
	} {
		if got := n.rejection(new(call), c.r, c.now).RetryAfter; got != c.want {
			t.Errorf("%s: %s, want %s", rule, got, c.want)
		}
	}
}

func TestAClaimReadsWaitsAndReadsAgain(t *testing.T) {
	open := Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", RetryAt: noon}
	n := newNode(open)
	var c, other call
	want(t, n.arrive(&c, at(noon+1)), opLoad)
	o := n.replied(&c, answered(noon+5, open, true))
	if want(t, o, opWait); o.wait < 0 || o.wait > maxClaimWait {
		t.Errorf("waits %d ms", o.wait)
	}
	if o := n.arrive(&other, at(noon+6)); o.kind != opReject {
		t.Errorf("one call of an environment claims at a time: %+v", o)
	}
	o = n.replied(&c, at(noon+200))
	if want(t, o, opLoad); !o.consistent {
		t.Error("the last read is consistent")
	}
	o = n.replied(&c, answered(noon+205, open, true))
	want(t, o, opChange)
	if o.change.To.ProbeUntil != noon+205+ms(n.lease()) {
		t.Errorf("the lease runs from before the claim is sent: %+v", o.change.To)
	}
	want(t, n.replied(&c, answered(noon+210, o.change.To, true)), opAdmit)
	if !c.probe {
		t.Error("no probe")
	}
	if want(t, n.arrive(&other, at(noon+220)), opReject); n.claiming {
		t.Error("the claiming slot was not freed")
	}
}

func TestAClaimIsGivenUpIfTheCircuitHasChanged(t *testing.T) {
	open := Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", RetryAt: noon}
	closed := Record{State: Closed, Generation: 7, Epoch: 7, Writer: "v"}
	leased := Record{State: HalfOpen, Generation: 6, Epoch: 6, Writer: "v", ProbeOwner: "e", ProbeUntil: noon + 5_000}
	begin := func() (*node, *call) {
		n, c := newNode(open), new(call)
		n.arrive(c, at(noon+1))
		want(t, n.replied(c, answered(noon+5, open, true)), opWait)
		return n, c
	}
	n, c := begin()
	short := at(noon + 200)
	short.left = ms(n.ProbeTimeout)
	want(t, n.replied(c, short), opReject)

	for last, kind := range map[State]opKind{Closed: opAdmit, HalfOpen: opReject} {
		record := map[State]Record{Closed: closed, HalfOpen: leased}[last]
		n, c = begin()
		n.replied(c, at(noon+200))
		if want(t, n.replied(c, answered(noon+205, record, true)), kind); n.claiming {
			t.Errorf("%s: the claiming slot was not freed", last)
		}
		n, c = begin() // the same, seen only when the claim fails
		n.replied(c, at(noon+200))
		want(t, n.replied(c, answered(noon+205, open, true)), opChange)
		if want(t, n.replied(c, answered(noon+210, record, false)), kind); n.claiming || c.probe {
			t.Errorf("%s: slot %v, probe %v", last, n.claiming, c.probe)
		}
	}
}

func TestLateClaimIsReleased(t *testing.T) {
	open := Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", RetryAt: noon}
	n, c := newNode(open), new(call)
	n.arrive(c, at(noon+1))
	n.replied(c, answered(noon+5, open, true))
	n.replied(c, at(noon+10))
	claim := n.replied(c, answered(noon+15, open, true)).change
	o := n.replied(c, answered(noon+15+ms(n.StoreTimeout)+1, claim.To, true))
	if want(t, o, opChange); o.change.To.ProbeOwner != "" || o.change.To.State != HalfOpen || len(o.notices) != 1 {
		t.Errorf("a prober past its deadline releases: %+v", o)
	}
	want(t, n.replied(c, answered(noon+400, o.change.To, true)), opReject)
}

func TestAClaimWaitsAtMostAQuarterOfASecond(t *testing.T) {
	for random, want := range map[uint64]int64{0: 0, 250: 250, 251: 0} {
		n := newNode(due())
		c := call{loaded: true}
		if o := n.decide(&c, event{now: noon + 1, left: 20_000, random: random}); o.kind != opWait || o.wait != want {
			t.Errorf("random %d: %+v, want to wait %d ms", random, o, want)
		}
	}
}

func TestACallThatEndsTooSoonDoesNotClaim(t *testing.T) {
	enough := ms(testMachine().ProbeBudget())
	for left, want := range map[int64]opKind{enough: opReject, enough + 1: opLoad} {
		n := newNode(due())
		if o := n.decide(&call{}, event{now: noon + 1, left: left}); o.kind != want {
			t.Errorf("%d ms left: %+v", left, o)
		}
	}
}

func TestAnOverdueProbeIsMadeByAnyCall(t *testing.T) {
	grace := ms(testMachine().RecoveryTimeout)
	for left, want := range map[int64]opKind{maxClaimWait: opReject, maxClaimWait + 1: opLoad} {
		n := newNode(due())
		if o := n.decide(&call{}, event{now: noon + grace, left: left}); o.kind != want {
			t.Errorf("%d ms left: %+v", left, o)
		}
	}
}

func TestAClaimStopsIfTheCallCannotOutlastAProbe(t *testing.T) {
	n := newNode(due())
	timeout := ms(n.ProbeTimeout)
	for left, next := range map[int64]opKind{timeout: opReject, timeout + 1: opLoad} {
		want(t, newNode(due()).waited(&call{stage: waiting}, event{now: noon + 1, left: left}), next)
	}
}

func TestAClaimIsReleasedIfItsProbeCouldOutliveTheLease(t *testing.T) {
	for late, next := range map[int64]opKind{300: opAdmit, 301: opChange} {
		n, c := newNode(due()), new(call)
		claim := n.claimNow(c, at(noon))
		want(t, n.replied(c, answered(noon+late, claim.change.To, true)), next)
	}
}
