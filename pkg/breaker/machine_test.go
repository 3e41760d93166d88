package breaker

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

const noon = int64(1_800_000_000_000)

func testMachine() machine {
	return machine{Settings{Name: "c", ProbeTimeout: 4 * time.Second}.WithDefaults()}
}

func failuresAt(ages ...int64) []FailureID {
	var ids []FailureID
	for i, age := range ages {
		ids = append(ids, newFailureID(noon-age, "e", uint64(i)))
	}
	return ids
}

func overridden(r Record, mode OverrideMode, until int64) Record {
	return testMachine().override(r, Override{Mode: mode, By: "ops", Until: time.UnixMilli(until)}, "o").To
}

func TestAdmission(t *testing.T) {
	m := testMachine()
	open := Record{State: Open, RetryAt: noon}
	leased := Record{State: HalfOpen, ProbeOwner: "e", ProbeUntil: noon}
	for rule, c := range map[string]struct {
		r    Record
		now  int64
		want admission
	}{
		"a missing item is closed":                                  {missing(), noon, passes},
		"a closed circuit passes":                                   {Record{State: Closed, Failures: failuresAt(0, 0, 0, 0, 0)}, noon, passes},
		"an open circuit rejects until retry_at":                    {open, noon - 1, rejects},
		"an open circuit may be probed from retry_at":               {open, noon, claimable},
		"a retry_at that no right clock can have written is void":   {open, noon - 40_000, claimable},
		"a retry_at written by a clock ahead within skew is kept":   {open, noon - 31_000, rejects},
		"a half-open circuit without a lease may be probed":         {Record{State: HalfOpen}, noon, claimable},
		"a lease rejects while it runs":                             {leased, noon - 1, rejects},
		"a lease still holds at its last millisecond":               {leased, noon, rejects},
		"a lease may be taken over after its end":                   {leased, noon + 1, claimable},
		"a lease that no right clock can have written is void":      {leased, noon - 20_000, claimable},
		"a lease without an owner does not count, whatever its end": {Record{State: HalfOpen, ProbeUntil: noon + 1000}, noon, claimable},
		"an environment does not own a lease found in its own name": {Record{State: HalfOpen, ProbeOwner: "self", ProbeUntil: noon}, noon, rejects},

		"a long opening lasts as long as it was meant to":     {Record{State: Open, OpenedAt: noon - 600_000, RetryAt: noon}, noon - 1, rejects},
		"an opening of a clock far ahead is void":             {Record{State: Open, OpenedAt: noon + 600_000, RetryAt: noon + 630_000}, noon, claimable},
		"an opening longer than max_open is not void":         {Record{State: Open, OpenedAt: noon - 1, RetryAt: noon + 3_700_000}, noon, rejects},
		"but ends at this environment's max_open":             {Record{State: Open, OpenedAt: noon - 3_600_000, RetryAt: noon + 100_000}, noon, claimable},
		"a lease lasts as long as its claim says":             {Record{State: HalfOpen, ProbeOwner: "e", ProbeUntil: noon + 60_000, ProbeLease: 61_000}, noon, rejects},
		"whatever this environment's own would":               {Record{State: HalfOpen, ProbeOwner: "e", ProbeUntil: noon + 20_000, ProbeLease: 1_000}, noon, claimable},
		"but no longer than any settings allow":               {Record{State: HalfOpen, ProbeOwner: "e", ProbeUntil: noon + 3_600_000, ProbeLease: 3_600_000}, noon, claimable},
		"an opening that ended before it began is over":       {Record{State: Open, OpenedAt: noon + 9_000, RetryAt: noon + 5_000}, noon, claimable},
		"an override to open rejects on a closed circuit":     {overridden(missing(), OverrideOpen, noon), noon - 1, rejects},
		"an override to open takes no probe":                  {overridden(open, OverrideOpen, noon+1), noon, rejects},
		"an override to closed passes on an open circuit":     {overridden(open, OverrideClosed, noon), noon - 1, passes},
		"an override to closed passes during a probe":         {overridden(leased, OverrideClosed, noon), noon - 1, passes},
		"an override to disabled passes on an open circuit":   {overridden(open, OverrideDisabled, noon), noon - 1, passes},
		"an override ends by comparison":                      {overridden(missing(), OverrideOpen, noon), noon, passes},
		"an override that has ended leaves an open circuit":   {overridden(open, OverrideClosed, noon-100), noon - 50, rejects},
		"an override that no right clock has written is void": {overridden(missing(), OverrideOpen, noon+ms(MaxOverride)+1_002), noon, passes},
		"an override of a clock ahead within skew is kept":    {overridden(missing(), OverrideOpen, noon+ms(MaxOverride)+1_001), noon, rejects},
		"a lease outlives the override that was laid over it": {overridden(leased, OverrideOpen, noon-100), noon - 50, rejects},
	} {
		if got := m.admission(c.r, c.now); got != c.want {
			t.Errorf("%s: got %d, want %d", rule, got, c.want)
		}
	}
}

func TestProbeOverdue(t *testing.T) {
	m := testMachine()
	grace := ms(m.RecoveryTimeout)
	open := Record{State: Open, OpenedAt: noon - grace, RetryAt: noon}
	lease := Record{State: HalfOpen, RetryAt: noon - ms(time.Hour), ProbeOwner: "e", ProbeUntil: noon}
	for rule, c := range map[string]struct {
		r    Record
		now  int64
		want bool
	}{
		"not before another recovery time":            {open, noon + grace - 1, false},
		"after another recovery time":                 {open, noon + grace, true},
		"a dead prober's lease is waited for as long": {lease, noon + grace - 1, false},
		"and no longer":                               {lease, noon + grace, true},
		"a free slot counts from the opening's end":   {Record{State: HalfOpen, OpenedAt: noon - grace, RetryAt: noon}, noon + grace, true},
		"a broken clock's retry_at is not waited for": {Record{State: Open, OpenedAt: noon + ms(24*time.Hour) - grace, RetryAt: noon + ms(24*time.Hour)}, noon + grace, true},
		"nor one that is longer than max_open":        {Record{State: Open, OpenedAt: noon - ms(time.Hour), RetryAt: noon + ms(24*time.Hour)}, noon + grace, true},
		"nor is a broken clock's lease":               {Record{State: HalfOpen, ProbeOwner: "e", ProbeUntil: noon + ms(24*time.Hour)}, noon + grace, true},
	} {
		if got := m.probeOverdue(c.r, c.now); got != c.want {
			t.Errorf("%s: %v", rule, got)
		}
	}
}

func TestJudge(t *testing.T) {
	m := testMachine()
	own := newFailureID(noon, "self", 9)
	with := func(ids []FailureID) []FailureID { return append(ids, own) }
	for rule, c := range map[string]struct {
		r     Record
		epoch int64
		want  verdictOnFailure
	}{
		"a stored failure below the threshold is settled":              {Record{State: Closed, Failures: with(failuresAt(1, 2, 3))}, 0, settled},
		"the threshold-th failure trips":                               {Record{State: Closed, Failures: with(failuresAt(1, 2, 3, 4))}, 0, trips},
		"failures outside the window do not count":                     {Record{State: Closed, Failures: with(failuresAt(60_001, 2, 3, 4))}, 0, settled},
		"a failure at the window's edge counts":                        {Record{State: Closed, Failures: with(failuresAt(60_000, 2, 3, 4))}, 0, trips},
		"a failure dated far ahead does not count":                     {Record{State: Closed, Failures: with(failuresAt(-1_001, 2, 3, 4))}, 0, settled},
		"a failure dated ahead within the skew counts":                 {Record{State: Closed, Failures: with(failuresAt(-1_000, 2, 3, 4))}, 0, trips},
		"a failure that did not fit and reaches the threshold trips":   {Record{State: Closed, Failures: failuresAt(60_001, 1, 2, 3, 4)}, 0, trips},
		"others' threshold is tripped by whoever sees it":              {Record{State: Closed, Failures: failuresAt(0, 1, 2, 3, 4)}, 0, trips},
		"a failure that did not fit short of the threshold needs room": {Record{State: Closed, Failures: failuresAt(61_000, 61_000, 2, 3, 4)}, 0, noRoom},
		"an outcome of an older epoch is dropped":                      {Record{State: Closed, Epoch: 3, Failures: failuresAt(0, 1, 2, 3, 4)}, 0, settled},
		"an outcome of a closed epoch is dropped by an open circuit":   {Record{State: Open, Epoch: 1}, 0, settled},
		"a disabled circuit is not tripped":                            {overridden(Record{State: Closed, Failures: with(failuresAt(1, 2, 3, 4))}, OverrideDisabled, noon+1), 0, settled},
		"a circuit held closed is tripped underneath":                  {overridden(Record{State: Closed, Failures: with(failuresAt(1, 2, 3, 4))}, OverrideClosed, noon+1), 0, trips},
	} {
		if got := m.judge(c.r, reported{id: own, epoch: c.epoch, weight: 1}, noon); got != c.want {
			t.Errorf("%s: got %d, want %d", rule, got, c.want)
		}
	}
}

func TestMinEnvironments(t *testing.T) {
	m := testMachine()
	m.MinEnvironments = 3
	own := newFailureID(noon, "self", 9)
	from := func(environments ...string) []FailureID {
		var ids []FailureID
		for i, name := range environments {
			ids = append(ids, newFailureID(noon-100+int64(i), name, uint64(i)))
		}
		return ids
	}
	for rule, c := range map[string]struct {
		failures []FailureID
		want     verdictOnFailure
	}{
		"the threshold of two environments does not trip":               {append(from("a", "a", "a", "a", "a"), own), settled},
		"the threshold of three trips":                                  {append(from("a", "a", "a", "b"), own), trips},
		"three environments short of the threshold do not":              {append(from("a", "a", "b"), own), settled},
		"a failure that did not fit counts for its environment":         {from("a", "a", "a", "b"), trips},
		"a failure that did not fit of too few environments needs room": {from("a", "a", "a", "a", "self"), noRoom},
		"a failure outside the window brings no environment":            {append(from("a", "a", "a", "a"), own, failuresAt(60_001)[0]), settled},
	} {
		if got := m.judge(Record{State: Closed, Failures: c.failures}, reported{id: own, weight: 1}, noon); got != c.want {
			t.Errorf("%s: got %d, want %d", rule, got, c.want)
		}
	}
	if m.failureQuota() != 3 || m.failureCapacity() != 12 || testMachine().failureCapacity() != 5 {
		t.Errorf("quota %d, room %d", m.failureQuota(), m.failureCapacity())
	}
}

func TestSurplusIsAnEnvironmentsOldest(t *testing.T) {
	ids := []FailureID{"5#a#f", "5#a#10", "9#b#1", "4#a#1", "6#a#2"}
	for keep, want := range map[int][]FailureID{0: {"4#a#1", "5#a#f", "5#a#10", "6#a#2"}, 2: {"4#a#1", "5#a#f"}, 4: {}, 9: {}} {
		if got := testMachine().surplus(Record{Failures: ids}, "a", keep); !slices.Equal(got, want) {
			t.Errorf("keeping %d takes %v, want %v", keep, got, want)
		}
	}
}

func TestExpiredReturnsWhatNoClockCounts(t *testing.T) {
	m := testMachine()
	ids := failuresAt(61_000, 60_600, 60_300, 1_000, -5_000)
	for rule, c := range map[string]struct {
		failures []FailureID
		want     int
	}{
		"beyond window and skew, or dated far ahead":           {ids, 3},
		"within the skew only if nothing else would make room": {ids[2:4], 1},
		"a counted failure never":                              {ids[3:4], 0},
		"an id without a date at once":                         {[]FailureID{"junk"}, 1},
	} {
		if got := m.expired(Record{State: Closed, Failures: c.failures}, noon); len(got) != c.want {
			t.Errorf("%s: pruned %v, want %d", rule, got, c.want)
		}
	}
}

func TestTripKeepsWhatExplainsIt(t *testing.T) {
	m := testMachine()
	own := newFailureID(noon, "self", 9)
	r := Record{State: Closed, Generation: 7, Epoch: 7, Writer: "w", Failures: failuresAt(1, 2, 3, 60_500, 4)}
	got := m.trip(r, own, Outcome{Verdict: Failed, Reason: "http_503"}, noon, "w2").To
	want := Record{
		Generation: 8, Epoch: 8, Writer: "w2", State: Open, LastFailureAt: noon, OpenedAt: noon, RetryAt: noon + 30_000,
		Reason: "http_503", TrippedBy: 5, FirstOpenedAt: noon, ConsecutiveOpens: 1,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestOpenForTripsByItself(t *testing.T) {
	m, own := testMachine(), newFailureID(noon, "self", 9)
	pause := Outcome{Verdict: Failed, Reason: ReasonRateLimited, OpenFor: 10 * time.Minute}
	got := m.trip(Record{State: Closed, Failures: failuresAt(1, 60_500)}, own, pause, noon, "w").To
	if got.State != Open || got.Reason != ReasonRateLimited || got.RetryAt != noon+600_000 || got.TrippedBy != 2 {
		t.Errorf("from closed: %+v", got)
	}
	got = m.conclude(Record{State: HalfOpen, ProbeUntil: noon + 1, RetryAt: noon - 9}, pause, noon, "w").To
	if got.State != Open || got.Reason != ReasonRateLimited || got.RetryAt != noon+600_000 {
		t.Errorf("from half-open: %+v", got)
	}
}

func TestNewOpenDuration(t *testing.T) {
	backingOff := testMachine()
	backingOff.OpenBackOff, backingOff.MaxOpen = 2, 10*time.Minute
	pause := func(d time.Duration) Outcome { return Outcome{Verdict: Failed, OpenFor: d} }
	for rule, c := range map[string]struct {
		m    machine
		o    Outcome
		n    int
		want time.Duration
	}{
		"every opening lasts the recovery time": {testMachine(), Outcome{}, 9, 30 * time.Second},
		"with back-off the first does too":      {backingOff, Outcome{}, 1, 30 * time.Second},
		"each next one is longer by the factor": {backingOff, Outcome{}, 4, 4 * time.Minute},
		"none is longer than max_open":          {backingOff, Outcome{}, 6, 10 * time.Minute},
		"however often it reopens":              {backingOff, Outcome{}, 1_000_000_000, 10 * time.Minute},
		"OpenFor is obeyed":                     {backingOff, pause(7 * time.Minute), 1, 7 * time.Minute},
		"shorter than the recovery time, too":   {backingOff, pause(5 * time.Second), 3, 5 * time.Second},
		"but not for longer than max_open":      {testMachine(), pause(48 * time.Hour), 1, time.Hour},
	} {
		if got := c.m.newOpenDuration(c.o, c.n); got != c.want {
			t.Errorf("%s: %s, want %s", rule, got, c.want)
		}
	}
}

func TestClaim(t *testing.T) {
	m := testMachine()
	open := Record{State: Open, Generation: 8, Epoch: 8, Writer: "w", RetryAt: noon, OpenedAt: noon - 30_000, Successes: 3}
	first := m.claim(open, "e1", noon, 20_000, "w2").To
	lease := int64(4_000 + 2*500 + 300)
	if first.State != HalfOpen || first.Epoch != 9 || first.Successes != 0 || first.ProbeUntil != noon+lease {
		t.Errorf("a claim on an open circuit begins a round: %+v", first)
	}
	first.Successes = 1
	over := m.claim(first, "e2", noon+lease+1, 20_000, "w3").To
	if over.Epoch != 9 || over.Successes != 1 || over.ProbeOwner != "e2" || over.Generation != 10 {
		t.Errorf("a takeover keeps epoch and successes: %+v", over)
	}
	if m.probeDeadline(first) != first.ProbeUntil-1_000 {
		t.Errorf("a probe ends two skews before its lease")
	}
}

func TestACutProbeMakesTheNextOneLonger(t *testing.T) {
	m := testMachine()
	const limit = int64(4_000)
	open := Record{State: Open, Generation: 8, Epoch: 8, Writer: "w", RetryAt: noon, OpenedAt: noon - 30_000, ConsecutiveOpens: 1}
	failed := Outcome{Verdict: Failed, Reason: "timeout"}
	claim := m.claim(open, "e", noon, 60_000, "w2").To
	if got := m.conclude(claim, failed, noon+limit-1, "w3").To; got.ProbeLimit != 0 || got.RetryAt != noon+limit-1+30_000 {
		t.Errorf("a probe that had time left was not cut: %+v", got)
	}
	first := m.conclude(claim, failed, noon+limit, "w3").To
	if first.State != Open || first.ProbeLimit != 2*limit || first.RetryAt != noon+limit+7_500 {
		t.Errorf("the first that is cut is soon followed by one of twice the time: %+v", first)
	}
	for rule, c := range map[string]struct{ left, want int64 }{
		"a caller with the time has it":       {60_000, 2 * limit},
		"one with less has what it has":       {5_000, 5_000},
		"one without has the probe's timeout": {1, limit},
	} {
		got := m.claim(first, "e", first.RetryAt, c.left, "w4").To
		if m.limitOf(got) != c.want || m.probeDeadline(got)-first.RetryAt != c.want+300 {
			t.Errorf("%s: %d", rule, m.limitOf(got))
		}
	}
	second := m.claim(first, "e", first.RetryAt, 60_000, "w4").To
	again := m.conclude(second, failed, first.RetryAt+2*limit, "w5").To
	if again.ProbeLimit != 4*limit || again.RetryAt != first.RetryAt+2*limit+30_000 {
		t.Errorf("the second waits for a whole recovery time: %+v", again)
	}
	if closed := m.conclude(Record{State: HalfOpen, ProbeUntil: noon, ProbeLimit: 8_000, Successes: 1}, Outcome{}, noon, "w").To; closed.ProbeLimit != 0 {
		t.Errorf("closing forgets it: %+v", closed)
	}
}

func TestConclude(t *testing.T) {
	m := testMachine()
	claim := Record{
		State: HalfOpen, Generation: 9, Epoch: 9, Writer: "w", ProbeOwner: "e", ProbeUntil: noon + 5_000,
		OpenedAt: noon - 40_000, FirstOpenedAt: noon - 90_000, ConsecutiveOpens: 2, TrippedBy: 5, Reason: "timeout",
	}
	second := claim
	second.Successes = 1
	failed := Outcome{Verdict: Failed, Reason: "http_500"}
	for rule, c := range map[string]struct {
		claim     Record
		o         Outcome
		now       int64
		state     State
		successes int
	}{
		"a success short of the threshold releases the lease": {claim, Outcome{}, noon, HalfOpen, 1},
		"the threshold's success closes":                      {second, Outcome{}, noon, Closed, 0},
		"a success at the lease's end still counts":           {second, Outcome{}, noon + 5_000, Closed, 0},
		"a success after the lease is neutral":                {second, Outcome{}, noon + 5_001, HalfOpen, 1},
		"a failure reopens":                                   {second, failed, noon, Open, 0},
		"a failure after the lease reopens while fenced":      {second, failed, noon + 9_000, Open, 0},
	} {
		got := m.conclude(c.claim, c.o, c.now, "w2").To
		if got.State != c.state || got.Successes != c.successes || got.ProbeOwner != "" || got.ProbeUntil != 0 || got.Generation != 10 || got.Writer != "w2" {
			t.Errorf("%s: got %+v", rule, got)
		}
		if wantEpoch := map[bool]int64{true: 9, false: 10}[c.state == HalfOpen]; got.Epoch != wantEpoch {
			t.Errorf("%s: epoch %d, want %d", rule, got.Epoch, wantEpoch)
		}
	}
	neutral := m.conclude(second, Outcome{Verdict: Neutral}, noon, "w2").To
	if m.admission(neutral, noon+1_000) != rejects || m.admission(neutral, noon+1_001) != claimable || neutral.Successes != 1 {
		t.Errorf("after a neutral probe the slot is free after a second: %+v", neutral)
	}
	if free := m.release(second, "w2").To; m.admission(free, noon) != claimable {
		t.Errorf("a claim without a probe is released at once: %+v", free)
	}
	reopened := m.conclude(claim, failed, noon, "w2").To
	if reopened.FirstOpenedAt != claim.FirstOpenedAt || reopened.ConsecutiveOpens != 3 || reopened.TrippedBy != 5 ||
		reopened.OpenedAt != noon || reopened.RetryAt != noon+30_000 || reopened.Reason != "http_500" || reopened.LastFailureAt != noon {
		t.Errorf("a reopening belongs to the same outage: %+v", reopened)
	}
}

func TestOverrideLeavesTheState(t *testing.T) {
	m := testMachine()
	r := Record{
		State: HalfOpen, Generation: 9, Epoch: 7, Writer: "w", ProbeOwner: "e", ProbeUntil: noon + 5_000, Successes: 1,
		OpenedAt: noon - 40_000, RetryAt: noon - 10_000, FirstOpenedAt: noon - 90_000, ConsecutiveOpens: 2, TrippedBy: 5, Reason: "timeout",
	}
	want := r
	want.Generation, want.Writer, want.Successes = 10, "o", 0
	want.OverrideMode, want.OverrideBy, want.OverrideUntil = OverrideClosed, "ops", noon+9_000
	got := overridden(r, OverrideClosed, noon+9_000)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	cleared := m.override(got, Override{}, "c").To
	want.Generation, want.Writer, want.OverrideMode, want.OverrideBy, want.OverrideUntil = 11, "c", "", "", 0
	if !reflect.DeepEqual(cleared, want) {
		t.Errorf("cleared %+v\nwant    %+v", cleared, want)
	}
	if claim := m.claim(got, "e2", noon+9_001, 20_000, "w2").To; claim.OverrideMode != "" || claim.OverrideBy != "" || claim.OverrideUntil != 0 {
		t.Errorf("a claim removes an ended override: %+v", claim)
	}
	closed := overridden(Record{State: Closed}, OverrideClosed, noon+9_000)
	if trip := m.trip(closed, "1#e#1", Outcome{}, noon, "w2").To; trip.OverrideMode != OverrideClosed || trip.State != Open {
		t.Errorf("a trip underneath leaves the override: %+v", trip)
	}
}

func TestBelongsInHistory(t *testing.T) {
	at := func(s State, reason string) Record { return Record{State: s, Reason: reason} }
	for rule, c := range map[string]struct {
		from, to Record
		want     bool
	}{
		"an opening is recorded":                       {at(Closed, ""), at(Open, "timeout"), true},
		"one without a reason too":                     {at(Closed, ""), at(Open, ""), true},
		"and a closing after it":                       {at(HalfOpen, ""), at(Closed, ""), true},
		"a closing is recorded":                        {at(HalfOpen, "timeout"), at(Closed, ""), true},
		"that a probe begins is not":                   {at(Open, "timeout"), at(HalfOpen, "timeout"), false},
		"that it fails as before is not":               {at(HalfOpen, "timeout"), at(Open, "timeout"), false},
		"that it fails for another reason is recorded": {at(HalfOpen, "timeout"), at(Open, "rate_limited"), true},
	} {
		if got := belongsInHistory(c.from, c.to); got != c.want {
			t.Errorf("%s: got %v", rule, got)
		}
	}
}

func TestStats(t *testing.T) {
	m := testMachine()
	opened := Record{State: Open, OpenedAt: noon - 10_000, RetryAt: noon + 20_000, TrippedBy: 5, LastFailureAt: noon - 10_000}
	for rule, c := range map[string]struct {
		r                   Record
		now                 int64
		state               State
		failures, successes int
		opened              bool
	}{
		"a missing item is closed and counts nothing":       {missing(), noon, Closed, 0, 0, false},
		"closed counts the failures inside the window":      {Record{State: Closed, Failures: failuresAt(70_000, 1, 2)}, noon, Closed, 2, 0, false},
		"open shows what tripped it":                        {opened, noon, Open, 5, 0, true},
		"open past its recovery time is half-open":          {opened, noon + 20_000, HalfOpen, 5, 0, true},
		"half-open shows its successes and what tripped it": {Record{State: HalfOpen, Successes: 1, TrippedBy: 5, OpenedAt: noon}, noon, HalfOpen, 5, 1, true},
		"an override to open shows open":                    {overridden(Record{State: Closed, Failures: failuresAt(1, 2)}, OverrideOpen, noon+1), noon, Open, 2, 0, false},
		"an override to open hides half-open":               {overridden(opened, OverrideOpen, noon+50_000), noon + 20_000, Open, 5, 0, true},
		"an override to closed shows closed":                {overridden(opened, OverrideClosed, noon+1), noon, Closed, 0, 0, false},
		"an override to disabled shows closed":              {overridden(opened, OverrideDisabled, noon+1), noon, Closed, 0, 0, false},
		"an override that has ended shows nothing":          {overridden(opened, OverrideClosed, noon), noon, Open, 5, 0, true},
	} {
		s := m.stats(c.r, c.now)
		if s.State != c.state || s.FailureCount != c.failures || s.SuccessCount != c.successes || (s.OpenedAt != nil) != c.opened {
			t.Errorf("%s: got %+v", rule, s)
		}
		if s.Name != "c" || s.FailureThreshold != 5 || s.SuccessThreshold != 2 || (s.LastFailureTime != nil) != (c.r.LastFailureAt != 0) {
			t.Errorf("%s: got %+v", rule, s)
		}
	}
}
