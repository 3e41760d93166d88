package breaker

import (
	"reflect"
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

func TestStanding(t *testing.T) {
	m := testMachine()
	open := Record{State: Open, RetryAt: noon}
	leased := Record{State: HalfOpen, ProbeOwner: "e", ProbeUntil: noon}
	for rule, c := range map[string]struct {
		r    Record
		now  int64
		want standing
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
		"a lease without owner is none, whatever its end":           {Record{State: HalfOpen, ProbeUntil: noon + 1000}, noon, claimable},
		"an environment does not own a lease found in its own name": {Record{State: HalfOpen, ProbeOwner: "self", ProbeUntil: noon}, noon, rejects},
	} {
		if got := m.standing(c.r, c.now); got != c.want {
			t.Errorf("%s: got %d, want %d", rule, got, c.want)
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
		"a stored failure below the threshold is settled":            {Record{State: Closed, Failures: with(failuresAt(1, 2, 3))}, 0, settled},
		"the threshold-th failure trips":                             {Record{State: Closed, Failures: with(failuresAt(1, 2, 3, 4))}, 0, trips},
		"failures outside the window do not count":                   {Record{State: Closed, Failures: with(failuresAt(60_001, 2, 3, 4))}, 0, settled},
		"a failure at the window's edge counts":                      {Record{State: Closed, Failures: with(failuresAt(60_000, 2, 3, 4))}, 0, trips},
		"a failure dated far ahead does not count":                   {Record{State: Closed, Failures: with(failuresAt(-1_001, 2, 3, 4))}, 0, settled},
		"a failure dated ahead within the skew counts":               {Record{State: Closed, Failures: with(failuresAt(-1_000, 2, 3, 4))}, 0, trips},
		"a refused failure that makes the threshold trips":           {Record{State: Closed, Failures: failuresAt(60_001, 1, 2, 3, 4)}, 0, trips},
		"others' threshold is tripped by whoever sees it":            {Record{State: Closed, Failures: failuresAt(0, 1, 2, 3, 4)}, 0, trips},
		"a refused failure short of the threshold needs room":        {Record{State: Closed, Failures: failuresAt(61_000, 61_000, 2, 3, 4)}, 0, noRoom},
		"an outcome of an older epoch is dropped":                    {Record{State: Closed, Epoch: 3, Failures: failuresAt(0, 1, 2, 3, 4)}, 0, settled},
		"an outcome of a closed epoch is dropped by an open circuit": {Record{State: Open, Epoch: 1}, 0, settled},
	} {
		if got := m.judge(c.r, own, c.epoch, noon); got != c.want {
			t.Errorf("%s: got %d, want %d", rule, got, c.want)
		}
	}
}

func TestExpiredNamesWhatNoClockCounts(t *testing.T) {
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
	got := m.trip(r, own, "http_503", noon, "w2").To
	want := Record{
		Generation: 8, Epoch: 8, Writer: "w2", State: Open, LastFailureAt: noon, OpenedAt: noon, RetryAt: noon + 30_000,
		Reason: "http_503", TrippedBy: 5, FirstOpenedAt: noon, ConsecutiveOpens: 1,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestClaim(t *testing.T) {
	m := testMachine()
	open := Record{State: Open, Generation: 8, Epoch: 8, Writer: "w", RetryAt: noon, OpenedAt: noon - 30_000, Successes: 3}
	first := m.claim(open, "e1", noon, "w2").To
	lease := int64(4_000 + 2*500 + 300)
	if first.State != HalfOpen || first.Epoch != 9 || first.Successes != 0 || first.ProbeUntil != noon+lease {
		t.Errorf("a claim on an open circuit begins a round: %+v", first)
	}
	first.Successes = 1
	over := m.claim(first, "e2", noon+lease+1, "w3").To
	if over.Epoch != 9 || over.Successes != 1 || over.ProbeOwner != "e2" || over.Generation != 10 {
		t.Errorf("a takeover keeps epoch and successes: %+v", over)
	}
	if m.probeDeadline(first) != first.ProbeUntil-1_000 {
		t.Errorf("a probe ends two skews before its lease")
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
	failed := Outcome{Failed, "http_500"}
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
		"a neutral result releases the lease":                 {second, Outcome{Verdict: Neutral}, noon, HalfOpen, 1},
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
	reopened := m.conclude(claim, failed, noon, "w2").To
	if reopened.FirstOpenedAt != claim.FirstOpenedAt || reopened.ConsecutiveOpens != 3 || reopened.TrippedBy != 5 ||
		reopened.OpenedAt != noon || reopened.RetryAt != noon+30_000 || reopened.Reason != "http_500" || reopened.LastFailureAt != noon {
		t.Errorf("a reopening belongs to the same outage: %+v", reopened)
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

func TestSettings(t *testing.T) {
	valid := Settings{Name: "jira_api"}.WithDefaults()
	if err := valid.Validate(); err != nil {
		t.Errorf("the defaults are valid: %v", err)
	}
	for rule, spoil := range map[string]func(*Settings){
		"a name is required":                  func(s *Settings) { s.Name = "" },
		"a name has no spaces":                func(s *Settings) { s.Name = "jira api" },
		"a threshold is positive":             func(s *Settings) { s.FailureThreshold = -1 },
		"a threshold is at most 100":          func(s *Settings) { s.FailureThreshold = 101 },
		"a window is at least a second":       func(s *Settings) { s.FailureWindow = time.Millisecond },
		"a recovery time is bounded":          func(s *Settings) { s.RecoveryTimeout = 2 * time.Hour },
		"successes are positive":              func(s *Settings) { s.SuccessThreshold = -2 },
		"a probe takes some time":             func(s *Settings) { s.ProbeTimeout = time.Millisecond },
		"a skew is bounded":                   func(s *Settings) { s.MaxClockSkew = time.Hour },
		"a refresh comes before the hard age": func(s *Settings) { s.RefreshAfter = 2 * s.MaxAge },
		"a store operation takes some time":   func(s *Settings) { s.StoreTimeout = time.Microsecond },
		"a first read is bounded":             func(s *Settings) { s.PrimeTimeout = time.Minute },
	} {
		s := valid
		spoil(&s)
		if s.Validate() == nil {
			t.Errorf("%s: %+v was accepted", rule, s)
		}
	}
}

func TestLeaseCoversProbeSkewAndWrite(t *testing.T) {
	s := Settings{ProbeTimeout: 4 * time.Second, MaxClockSkew: -1}.WithDefaults()
	if got := s.lease(); got != 4300*time.Millisecond {
		t.Errorf("without skew a lease is probe and write: %s", got)
	}
}
