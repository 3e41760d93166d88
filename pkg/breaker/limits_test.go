package breaker

import (
	"errors"
	"testing"
	"time"
)

// due is a circuit whose recovery time has come at noon.
func due() Record {
	return Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", OpenedAt: noon - 30_000, RetryAt: noon}
}

func TestTheFirstBackOffIsHalfASecondGiveOrTakeAQuarter(t *testing.T) {
	for random, want := range map[uint64]int64{0: 375, 125: 500, 250: 625, 251: 375} {
		n := newNode(closedRecord())
		n.storeFailed(&call{}, event{now: noon, random: random, err: errors.New("away")})
		if got := n.storeOutage.retryAt - noon; got != want {
			t.Errorf("random %d: %d ms, want %d", random, got, want)
		}
	}
}

func TestTheReturnTellsHowLongTheStoreWasAway(t *testing.T) {
	n := newNode(closedRecord())
	n.storeFailed(&call{}, event{now: noon, err: errors.New("away")})
	n.notices = nil
	n.storeRecovered(&call{retriesStore: true}, event{now: noon + 7_000})
	if len(n.notices) != 1 || n.notices[0].storeReturned == nil || *n.notices[0].storeReturned != 7*time.Second {
		t.Errorf("told %+v", n.notices)
	}
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
	enough := ms(testMachine().ProbeTimeout) + maxClaimWait
	for left, want := range map[int64]opKind{enough: opReject, enough + 1: opLoad} {
		n := newNode(due())
		if o := n.decide(&call{}, event{now: noon + 1, left: left}); o.kind != want {
			t.Errorf("%d ms left: %+v", left, o)
		}
	}
}

func TestWhereNobodyHasProbedTheShortestCallMay(t *testing.T) {
	patience := ms(testMachine().RecoveryTimeout)
	for left, want := range map[int64]opKind{maxClaimWait: opReject, maxClaimWait + 1: opLoad} {
		n := newNode(due())
		if o := n.decide(&call{}, event{now: noon + patience, left: left}); o.kind != want {
			t.Errorf("%d ms left: %+v", left, o)
		}
	}
}

func TestOverdue(t *testing.T) {
	m := testMachine()
	patience := ms(m.RecoveryTimeout)
	open := Record{State: Open, OpenedAt: noon - patience, RetryAt: noon}
	lease := Record{State: HalfOpen, RetryAt: noon - ms(time.Hour), ProbeOwner: "e", ProbeUntil: noon}
	for rule, c := range map[string]struct {
		r    Record
		now  int64
		want bool
	}{
		"not before another recovery time":            {open, noon + patience - 1, false},
		"after another recovery time":                 {open, noon + patience, true},
		"a dead prober's lease is waited for as long": {lease, noon + patience - 1, false},
		"and no longer":                               {lease, noon + patience, true},
		"a free slot counts from the opening's end":   {Record{State: HalfOpen, OpenedAt: noon - patience, RetryAt: noon}, noon + patience, true},
		"a broken clock's retry_at is not waited for": {Record{State: Open, OpenedAt: noon - patience, RetryAt: noon + ms(24*time.Hour)}, noon + patience, true},
		"nor is a broken clock's lease":               {Record{State: HalfOpen, ProbeOwner: "e", ProbeUntil: noon + ms(24*time.Hour)}, noon + patience, true},
	} {
		if got := m.probeOverdue(c.r, c.now); got != c.want {
			t.Errorf("%s: %v", rule, got)
		}
	}
}

func TestAnOpeningTellsWhenItIsTriedAgain(t *testing.T) {
	n := newNode(closedRecord())
	c := call{stage: tripping, change: Change{From: closedRecord(), To: due()}}
	n.announce(&c, noon)
	if len(n.notices) != 1 || !n.notices[0].transition.RetryAt.Equal(time.UnixMilli(noon)) {
		t.Errorf("told %+v", n.notices)
	}
}
