package breaker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

var errStore = errors.New("store unavailable")

// newNode returns a node that has known r since noon.
func newNode(r Record) *node {
	n := &node{machine: testMachine(), id: "self"}
	n.record, n.known, n.sent, n.order, n.asked, n.answered = &r, true, noon, 10, 9, 10
	return n
}

// at returns an event at a time, of a caller with enough time.
func at(now int64) event { return event{now: now, left: 20_000} }

// answered returns the reply to an operation that took no time.
func answered(now int64, r Record, held bool) event {
	return event{now: now, left: 20_000, sent: now, authoritative: true, record: r, held: held}
}

func want(t *testing.T, o op, kind opKind) {
	t.Helper()
	if o.kind != kind {
		t.Fatalf("next is %d (%+v), want %d", o.kind, o, kind)
	}
}

func closedRecord() Record {
	return Record{State: Closed, Generation: 4, Epoch: 4, Writer: "w"}
}

// due is a circuit whose recovery time has come at noon.
func due() Record {
	return Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", OpenedAt: noon - 30_000, RetryAt: noon}
}

func TestAdopt(t *testing.T) {
	known := Record{State: Closed, Generation: 4, Epoch: 4, Writer: "w"}
	gen := func(g int64) Record { return Record{State: Closed, Generation: g, Writer: "x"} }
	for rule, c := range map[string]struct {
		asked         uint32
		authoritative bool
		record        Record
		adopted       bool
		stale         bool
	}{
		"a higher generation replaces":                                      {8, false, gen(5), true, false},
		"the same generation, read later, replaces":                         {11, false, gen(4), true, false},
		"the same generation, read earlier, does not":                       {8, false, gen(4), false, false},
		"a lower generation of an eventual read asks for a consistent one":  {11, false, gen(3), false, true},
		"a lower generation of a consistent read replaces: deleted by hand": {11, true, gen(0), true, false},
		"a lower generation sent before the higher was known is old":        {10, true, gen(3), false, false},
		"an old eventual read proves nothing":                               {8, false, gen(3), false, false},
	} {
		n := newNode(known)
		e := event{now: noon + 10, authoritative: c.authoritative, record: c.record}
		if stale := n.adopt(e, c.asked); stale != c.stale || (n.record.Writer == "x") != c.adopted {
			t.Errorf("%s: stale %v, record %+v", rule, stale, n.record)
		}
	}
	n := &node{machine: testMachine()}
	if n.adopt(event{record: gen(0)}, 1); !n.known {
		t.Error("the first record is adopted")
	}
}

func TestStaleReadIsFollowedByAConsistentOne(t *testing.T) {
	n := newNode(closedRecord())
	var c call
	want(t, n.arrive(&c, at(noon+5_000)), opLoad)
	e := answered(noon+5_010, missing(), true)
	e.authoritative = false
	if o := n.replied(&c, e); o.kind != opLoad || !o.consistent {
		t.Fatalf("next is %+v", o)
	}
	want(t, n.replied(&c, answered(noon+5_020, closedRecord(), true)), opAdmit)
}

// Only the age of what is known is void: an open circuit stays open, and an
// operator's override in force, even if the store cannot be read.
func TestAClockThatWasSetBackForgetsNothing(t *testing.T) {
	open := Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", OpenedAt: noon - 1_000, RetryAt: noon + 29_000}
	for rule, c := range map[string]struct {
		record Record
		back   int64
	}{
		"open, by a millisecond": {open, 1},
		"open, by an hour":       {Record{State: Open, Generation: 5, Epoch: 5, Writer: "w", OpenedAt: noon - 3_601_000, RetryAt: noon - 3_571_000}, 3_600_000},
		"held open, by a second": {overridden(closedRecord(), OverrideOpen, noon+60_000), 1_000},
	} {
		n, late := newNode(c.record), new(call)
		want(t, n.arrive(late, at(noon-c.back)), opLoad)
		o := n.replied(late, event{now: noon - c.back + 100, left: 20_000, err: errStore})
		if want(t, o, opReject); !late.local {
			t.Errorf("%s: %+v", rule, o)
		}
		n = newNode(c.record)
		first := new(call)
		want(t, n.arrive(first, at(noon-c.back)), opLoad)
		want(t, n.replied(first, answered(noon-c.back+10, c.record, true)), opReject)
		if o := n.arrive(new(call), at(noon-c.back+20)); o.kind != opReject {
			t.Errorf("%s: once read, the record has an age again: %+v", rule, o)
		}
	}
}

// Which record is the newer one is a matter of order, not of clocks.
func TestAReplyFromBeforeTheClockWasSetBack(t *testing.T) {
	n := newNode(closedRecord())
	early := new(call)
	want(t, n.arrive(early, at(noon+2_000)), opLoad)
	failing := &call{epoch: 4}
	want(t, n.report(failing, Outcome{Verdict: Failed, OpenFor: time.Minute}, at(noon+10)), opChange)
	n.replied(failing, answered(noon+20, failing.change.To, true))
	n.checkClock(noon - 10_000)
	e := answered(noon+2_100, closedRecord(), true)
	if o := n.replied(early, e); n.record.State != Open || o.kind != opReject {
		t.Errorf("takes %+v for newer", n.record)
	}
}

func TestIDsAreNeverUsedTwice(t *testing.T) {
	n := newNode(closedRecord())
	var ids []string
	for range 5 {
		o := n.report(&call{epoch: 4}, Outcome{Verdict: Failed, Reason: "timeout"}, at(noon))
		ids = append(ids, string(o.failure.ID), o.failure.New)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 10 {
		t.Errorf("ids %v", ids)
	}
}

// The append after a trip in conflict did not make the transition.
func TestAWriteThatChangesNoStateIsNotAnnounced(t *testing.T) {
	opening, lease := Change{From: closedRecord(), To: due()}, Change{From: due(), To: due()}
	for rule, c := range map[string]struct {
		stage  stage
		change Change
	}{
		"a failure added after a trip in conflict":  {appending, opening},
		"failures pruned after a trip in conflict":  {pruning, opening},
		"failures trimmed after a trip in conflict": {trimming, opening},
		"a lease that was given back":               {releasing, lease},
	} {
		n := newNode(closedRecord())
		by := &call{stage: c.stage, change: &c.change}
		if n.announce(by, noon); len(by.notices) != 0 {
			t.Errorf("%s: announced %+v", rule, by.notices)
		}
	}
}

func TestAnOpeningIsAnnouncedWithItsRetryTime(t *testing.T) {
	n := newNode(closedRecord())
	c := call{stage: tripping, change: &Change{From: closedRecord(), To: due()}}
	n.announce(&c, noon)
	if len(c.notices) != 1 || !c.notices[0].transition.RetryAt.Equal(time.UnixMilli(noon)) {
		t.Errorf("announced %+v", c.notices)
	}
}

func TestEachNoticeCallsOneFunctionOfTheObserver(t *testing.T) {
	var called []string
	add := func(what string) { called = append(called, what) }
	all := Observer{
		Transition:    func(context.Context, Transition) { add("transition") },
		Overridden:    func(context.Context, Transition) { add("overridden") },
		Rejected:      func(context.Context, *OpenError) { add("rejected") },
		StoreLost:     func(context.Context, string, error) { add("lost") },
		StoreReturned: func(context.Context, string, time.Duration) { add("returned") },
		HistoryFailed: func(context.Context, string, error) { add("unrecorded") },
	}
	for what, n := range map[string]notice{
		"transition": {transition: &Transition{}},
		"overridden": {transition: &Transition{Override: &Override{}}},
		"rejected":   {rejection: &OpenError{}},
		"lost":       {storeLost: errStore},
		"returned":   {storeReturned: new(time.Duration)},
		"unrecorded": {historyFailed: errStore},
	} {
		called = nil
		(&Breaker{observer: &all}).notify(context.Background(), n)
		if fmt.Sprint(called) != fmt.Sprint([]string{what}) {
			t.Errorf("%s: called %v", what, called)
		}
		called = nil
		(&Breaker{}).notify(context.Background(), n)
		partial := all
		field := map[string]string{
			"transition": "Transition", "overridden": "Overridden", "rejected": "Rejected",
			"lost": "StoreLost", "returned": "StoreReturned", "unrecorded": "HistoryFailed",
		}[what]
		reflect.ValueOf(&partial).Elem().FieldByName(field).SetZero()
		if (&Breaker{observer: &partial}).notify(context.Background(), n); called != nil {
			t.Errorf("%s: without its function called %v", what, called)
		}
	}
}
