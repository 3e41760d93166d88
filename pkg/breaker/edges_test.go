package breaker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// Every age, wait and limit, at its last millisecond and the next.

func TestARecordIsReadAgainBeyondItsAge(t *testing.T) {
	open := Record{State: Open, RetryAt: noon + 30_000}
	halfOpen := Record{State: HalfOpen, ProbeOwner: "e", ProbeUntil: noon + 4_000}
	closing := halfOpen
	closing.Successes = 1
	suspicious := closedRecord()
	suspicious.Failures = failuresAt(0)
	stale := closedRecord()
	stale.Failures = failuresAt(4_899)
	for rule, c := range map[string]struct {
		record Record
		age    int64
	}{
		"closed":                                 {closedRecord(), 1_200},
		"closed with a fresh failure":            {suspicious, failingMaxAge},
		"closed with one that is fresh no more":  {stale, 1_200},
		"open":                                   {open, openMaxAge},
		"half-open":                              {halfOpen, halfOpenMaxAge},
		"half-open, with a success":              {closing, closingMaxAge},
		"open by an override":                    {overridden(closedRecord(), OverrideOpen, noon+9_000), openMaxAge},
		"closed by an override though it is not": {overridden(open, OverrideClosed, noon+9_000), 1_200},
	} {
		n := newNode(c.record)
		if n.stale(noon+c.age) || !n.stale(noon+c.age+1) {
			t.Errorf("%s: at %d ms %v, a millisecond later %v", rule, c.age, n.stale(noon+c.age), n.stale(noon+c.age+1))
		}
	}
}

func TestAFailureIsFreshForFiveSeconds(t *testing.T) {
	r := closedRecord()
	r.Failures = failuresAt(0)
	n := newNode(r)
	if !n.hasRecentFailure(noon+recentFailureAge-1) || n.hasRecentFailure(noon+recentFailureAge) {
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

func TestAReadRunsBesideACallBeyondRefreshAfter(t *testing.T) {
	for now, beside := range map[int64]bool{noon + 900: false, noon + 901: true} {
		if o := newNode(closedRecord()).arrive(new(call), at(now)); o.kind != opAdmit || o.backgroundRead != beside {
			t.Errorf("at %d ms: %+v", now-noon, o)
		}
	}
	if o := newNode(closedRecord()).pass(&call{loaded: true}, closedRecord(), noon+901); o.backgroundRead {
		t.Error("a call that has read needs no read beside it")
	}
	if o := newNode(closedRecord()).pass(&call{local: true}, closedRecord(), noon+901); o.backgroundRead {
		t.Error("a call without the store has nothing to read beside it")
	}
}

func TestAFailureIsAddedToARecordOfATenthOfASecond(t *testing.T) {
	for now, next := range map[int64]opKind{noon + failingMaxAge: opAppend, noon + failingMaxAge + 1: opLoad} {
		want(t, newNode(closedRecord()).report(&call{epoch: 4}, Outcome{Verdict: Failed}, at(now)), next)
	}
}

func TestOfTwoReadsInOneMillisecondTheLaterAnsweredStays(t *testing.T) {
	n := newNode(closedRecord())
	later := closedRecord()
	later.Failures = failuresAt(0)
	if n.adopt(event{now: noon + 5, sent: noon, record: later}); len(n.record.Failures) != 1 || n.answered != noon+5 {
		t.Errorf("got %+v", n.view)
	}
}

func TestAClaimStopsWhereTheCallCouldNotOutlastAProbe(t *testing.T) {
	n := newNode(due())
	timeout := ms(n.ProbeTimeout)
	for left, next := range map[int64]opKind{timeout: opReject, timeout + 1: opLoad} {
		want(t, newNode(due()).waited(&call{stage: waiting}, event{now: noon + 1, left: left}), next)
	}
}

func TestAClaimIsGivenBackWhereItsProbeCouldOutliveTheLease(t *testing.T) {
	for late, next := range map[int64]opKind{300: opAdmit, 301: opChange} {
		n, c := newNode(due()), new(call)
		claim := n.claimNow(c, noon)
		want(t, n.replied(c, answered(noon+late, claim.change.To, true)), next)
	}
}

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

func TestAFailureIsAddedAgainFourTimes(t *testing.T) {
	c := new(call)
	for i := range maxConflicts {
		if c.exceeds(maxConflicts) {
			t.Errorf("not for time %d", i+1)
		}
	}
	if !c.exceeds(maxConflicts) {
		t.Error("a fifth time")
	}
}

func TestALostStoreIsTriedWhenItsTimeHasComeOrCannotBe(t *testing.T) {
	for rule, c := range map[string]struct {
		until int64
		tries bool
	}{
		"before its time it is left alone":                   {noon + 1, false},
		"at its time it is tried":                            {noon, true},
		"a minute is as long as a right clock can name":      {noon + 2*longestBackOff, false},
		"a time beyond that is of a clock that was set back": {noon + 2*longestBackOff + 1, true},
	} {
		n := newNode(closedRecord())
		n.storeOutage = storeOutage{since: noon - 9, retryAt: c.until}
		if got := n.retriesStore(new(call), noon); got != c.tries {
			t.Errorf("%s: tries %v", rule, got)
		}
	}
}

func TestTheBackOffBeginsAgainAfterASuccessOfTheKindThatFailed(t *testing.T) {
	for rule, c := range map[string]struct {
		lostWrite bool
		stage     stage
		losses    int
	}{
		"a read after a lost read":    {false, admitting, 0},
		"a write after a lost read":   {false, appending, 0},
		"a read after a lost write":   {true, admitting, 3},
		"a write after a lost write":  {true, appending, 0},
		"a probe's after a lost one":  {true, concluding, 0},
		"a report's read after a one": {true, reporting, 3},
	} {
		n := newNode(closedRecord())
		n.storeOutage.failures, n.storeOutage.writeFailed = 3, c.lostWrite
		if n.storeRecovered(&call{stage: c.stage}, at(noon)); n.storeOutage.failures != c.losses {
			t.Errorf("%s: %d losses, want %d", rule, n.storeOutage.failures, c.losses)
		}
	}
}

// A trip that was refused is not what the append after it has done.
func TestWhatChangesNoStateIsNotTold(t *testing.T) {
	opening, lease := Change{From: closedRecord(), To: due()}, Change{From: due(), To: due()}
	for rule, c := range map[string]struct {
		stage  stage
		change Change
	}{
		"a failure added after a refused trip":  {appending, opening},
		"failures pruned after a refused trip":  {pruning, opening},
		"failures trimmed after a refused trip": {trimming, opening},
		"a lease that was given back":           {releasing, lease},
	} {
		n := newNode(closedRecord())
		if n.announce(&call{stage: c.stage, change: c.change}, noon); len(n.notices) != 0 {
			t.Errorf("%s: told %+v", rule, n.notices)
		}
	}
}

func TestEachNoticeIsForOneFunctionOfTheObserver(t *testing.T) {
	var told []string
	add := func(what string) { told = append(told, what) }
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
		"lost":       {storeLost: errors.New("away")},
		"returned":   {storeReturned: new(time.Duration)},
		"unrecorded": {historyFailed: errors.New("away")},
	} {
		told = nil
		(&Breaker{observer: all}).notify(context.Background(), n)
		if fmt.Sprint(told) != fmt.Sprint([]string{what}) {
			t.Errorf("%s: told %v", what, told)
		}
		told = nil
		(&Breaker{}).notify(context.Background(), n)
		deaf := all
		field := map[string]string{
			"transition": "Transition", "overridden": "Overridden", "rejected": "Rejected",
			"lost": "StoreLost", "returned": "StoreReturned", "unrecorded": "HistoryFailed",
		}[what]
		reflect.ValueOf(&deaf).Elem().FieldByName(field).SetZero()
		if (&Breaker{observer: deaf}).notify(context.Background(), n); told != nil {
			t.Errorf("%s: without its function told %v", what, told)
		}
	}
}

func TestTheLockIsNotTakenWhileARecordIsTrusted(t *testing.T) {
	suspicious := closedRecord()
	suspicious.Failures = failuresAt(0)
	for rule, c := range map[string]struct {
		record          Record
		refresh, maxAge time.Duration
		lasts           int64
	}{
		"until it is due to be read beside a call": {closedRecord(), 900 * time.Millisecond, time.Second, 900},
		"or before one":    {closedRecord(), 900 * time.Millisecond, 500 * time.Millisecond, 500},
		"or is suspicious": {suspicious, 900 * time.Millisecond, time.Second, failingMaxAge},
	} {
		n := newNode(c.record)
		n.RefreshAfter, n.MaxAge = c.refresh, c.maxAge
		if got := n.freshness(nil, noon); got == nil || *got != (freshness{noon, noon + c.lasts, 4}) {
			t.Errorf("%s: got %+v", rule, got)
		}
	}
}

func TestAFailureCostsOneWrite(t *testing.T) {
	n, c := newNode(closedRecord()), &call{epoch: 4}
	o := n.report(c, Outcome{Verdict: Failed}, at(noon))
	want(t, o, opAppend)
	stored := closedRecord()
	stored.Failures = []FailureID{o.failure.ID}
	want(t, n.replied(c, answered(noon+5, stored, true)), opDone)
}

func TestARefusedFailureTrimsNothing(t *testing.T) {
	n, c := newNode(closedRecord()), &call{epoch: 4}
	n.FailureThreshold, n.MinEnvironments = 2, 2
	o := n.report(c, Outcome{Verdict: Failed}, at(noon))
	elsewhere := closedRecord() // it holds the failure already, and more of this environment's than it should
	elsewhere.Failures = []FailureID{o.failure.ID, newFailureID(noon-1, "self", 90)}
	want(t, n.replied(c, answered(noon+5, elsewhere, false)), opDone)
}

func TestASetFullOfOnesOwnMakesRoomDownToTheQuota(t *testing.T) {
	n, c := newNode(closedRecord()), &call{epoch: 4}
	n.FailureThreshold, n.MinEnvironments = 5, 2 // quota 4, room 10
	want(t, n.report(c, Outcome{Verdict: Failed}, at(noon)), opAppend)
	full := closedRecord()
	for i := range n.failureCapacity() {
		full.Failures = append(full.Failures, newFailureID(noon-int64(i), "self", uint64(90+i)))
	}
	o := n.replied(c, answered(noon+5, full, false))
	if want(t, o, opPrune); len(o.ids) != 7 {
		t.Errorf("of ten %d go, want 7: three and the new one are the quota", len(o.ids))
	}
}

func TestATripThatIsAlwaysRefusedIsGivenUp(t *testing.T) {
	n, c := newNode(closedRecord()), &call{epoch: 4}
	o := n.report(c, Outcome{Verdict: Failed}, at(noon))
	full := closedRecord()
	full.Failures = append(failuresAt(1, 2, 3, 4), o.failure.ID)
	for range maxConflicts {
		want(t, n.replied(c, answered(noon+5, full, true)), opChange)
		want(t, n.replied(c, answered(noon+6, closedRecord(), false)), opAppend)
	}
	want(t, n.replied(c, answered(noon+7, full, true)), opChange)
	want(t, n.replied(c, answered(noon+8, closedRecord(), false)), opDone)
}
