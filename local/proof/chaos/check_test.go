package chaos

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

var epoch = time.UnixMilli(1_800_000_000_000)

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

func failuresAt(ms ...int) (ids []breaker.FailureID) {
	for i, m := range ms {
		ids = append(ids, breaker.FailureID(fmt.Sprintf("%d#a#%x", at(m).UnixMilli(), i)))
	}
	return ids
}

// sound returns the log of an outage: two failures open the circuit, a's probe
// fails, b's and c's close it.
func sound() fleet.Log {
	probe := func(environment string, call int64, began, status int) fleet.Request {
		return fleet.Request{Environment: environment, Call: call, Probe: true, Began: at(began), Ended: at(began + 20), Status: status}
	}
	claim := func(at time.Time, generation, successes int, owner string) fleet.Write {
		return fleet.Write{At: at, Record: breaker.Record{Generation: int64(generation), Epoch: 2, Writer: owner + "#1", State: breaker.HalfOpen, Successes: successes, ProbeOwner: owner, ProbeUntil: at.Add(time.Second).UnixMilli()}}
	}
	return fleet.Log{
		Settings: breaker.Settings{FailureThreshold: 2, SuccessThreshold: 2, FailureWindow: time.Minute, MaxAge: time.Second},
		Requests: []fleet.Request{
			{Environment: "a", Call: 1, Began: at(0), Ended: at(20), Status: 503},
			{Environment: "b", Call: 2, Began: at(10), Ended: at(30), Status: 503},
			probe("a", 3, 5_010, 503), probe("b", 4, 10_010, 200), probe("c", 5, 11_010, 200),
			{Environment: "a", Call: 6, Began: at(12_000), Ended: at(12_020), Status: 200},
		},
		Writes: []fleet.Write{
			{At: at(22), Record: breaker.Record{Writer: "a#0", State: breaker.Closed, Failures: failuresAt(21)}},
			{At: at(32), Record: breaker.Record{Writer: "a#0", State: breaker.Closed, Failures: failuresAt(21, 31)}},
			{At: at(35), Record: breaker.Record{Generation: 1, Epoch: 1, Writer: "b#1", State: breaker.Open, RetryAt: at(5_000).UnixMilli(), Reason: "http_503"}},
			claim(at(5_005), 2, 0, "a"),
			{At: at(5_035), Record: breaker.Record{Generation: 3, Epoch: 3, Writer: "a#2", State: breaker.Open, RetryAt: at(10_000).UnixMilli()}},
			claim(at(10_005), 4, 0, "b"),
			{At: at(10_035), Record: breaker.Record{Generation: 5, Epoch: 4, Writer: "b#2", State: breaker.HalfOpen, Successes: 1}},
			claim(at(11_005), 6, 1, "c"),
			{At: at(11_035), Record: breaker.Record{Generation: 7, Epoch: 7, Writer: "c#2", State: breaker.Closed}},
		},
		Reports: []wire.Report{
			{Kind: wire.Transition, At: at(36), Transition: breaker.Transition{To: breaker.Open, Generation: 1}},
			{Kind: wire.Done, At: at(3_000), Call: 7, Outcome: wire.Rejected},
		},
		Freezes: map[string][]fleet.Span{},
	}
}

func TestWhatIsNotPromisedIsNotABreach(t *testing.T) {
	for rule, change := range map[string]func(*fleet.Log){
		"environments that decide locally probe on their own": func(l *fleet.Log) {
			l.Requests = append(l.Requests, fleet.Request{Environment: "d", Call: 8, Probe: true, Local: true, Began: at(11_012), Ended: at(11_032)})
		},
		"a prober that is frozen during its call may overlap the next": func(l *fleet.Log) {
			l.Requests[2].Ended = at(10_020)
			l.Freezes["a"] = []fleet.Span{{From: at(5_015), To: at(10_015)}}
		},
		"a call that was admitted before a freeze may come late": func(l *fleet.Log) {
			l.Requests = append(l.Requests, fleet.Request{Environment: "d", Call: 8, Began: at(9_000), Ended: at(9_020)})
			l.Freezes["d"] = []fleet.Span{{From: at(30), To: at(8_990)}}
		},
		"a record that is young enough is used without a read": func(l *fleet.Log) {
			l.Requests = append(l.Requests, fleet.Request{Environment: "d", Call: 8, Began: at(1_030), Ended: at(1_050)})
		},
		"a rate limit opens at once": func(l *fleet.Log) {
			l.Writes[1].Failures, l.Writes[2].Reason = l.Writes[0].Failures, "rate_limited"
		},
		"a failure that finds the set full of expired ones may trip without being stored": func(l *fleet.Log) {
			l.Writes[0].Failures, l.Writes[1].Failures = failuresAt(-100_000), failuresAt(-100_000, 25)
		},
	} {
		l := sound()
		change(&l)
		if found := Check(l); len(found) > 0 {
			t.Errorf("%s: %q", rule, found)
		}
	}
}

func TestEveryBreachIsFound(t *testing.T) {
	if found := Check(sound()); len(found) > 0 {
		t.Errorf("a sound log: %q", found)
	}
	for breach, spoil := range map[string]func(*fleet.Log){
		mustProbeAlone + ": two fleet probes at once": func(l *fleet.Log) {
			l.Requests[3].Began = l.Requests[2].Began
		},
		mustDecideOnce + ": call 7 was rejected and reached the dependency": func(l *fleet.Log) {
			l.Requests[5].Call = 7
		},
		mustDecideOnce + ": call 1 reached the dependency 2 times": func(l *fleet.Log) {
			l.Requests[5].Call = 1
		},
		mustDecideOnce + ": call 6 of a reached the dependency 3.965s after the circuit opened": func(l *fleet.Log) {
			l.Requests[5].Began = at(4_000)
		},
		mustFence + ": generation 5 follows 3": func(l *fleet.Log) {
			l.Writes = append(l.Writes[:5], l.Writes[6:]...)
		},
		mustFence + ": generation 0 was written by a#0 as closed and by b#0": func(l *fleet.Log) {
			l.Writes[1].Writer = "b#0"
		},
		mustCloseBySuccesses + ": generation 4: open became closed": func(l *fleet.Log) {
			l.Writes[5].State = breaker.Closed
		},
		mustOpenByFailures + ": generation 1: closed became half_open": func(l *fleet.Log) {
			l.Writes[2].State = breaker.HalfOpen
		},
		mustProbeAlone + ": generation 5: c claimed 1s before the lease of b ended": func(l *fleet.Log) {
			l.Writes[6] = l.Writes[5]
			l.Writes[6].Generation, l.Writes[6].ProbeOwner, l.Writes[6].ProbeUntil = 5, "c", at(20_000).UnixMilli()
		},
		mustOpenByFailures + ": generation 1: opened by 1 failures": func(l *fleet.Log) {
			l.Writes[1].Failures = l.Writes[0].Failures
		},
		mustOpenByFailures + ": generation 1: opened by 0 failures": func(l *fleet.Log) {
			l.Writes[0].Failures, l.Writes[1].Failures = failuresAt(-100_000), failuresAt(-100_000, -90_000)
		},
		mustCloseBySuccesses + ": generation 7: closed after 1 successes": func(l *fleet.Log) {
			l.Writes[7].Successes = 0
		},
		mustCloseBySuccesses + `: generation 5: the dependency has no successful probe of "b"`: func(l *fleet.Log) {
			l.Requests[3].Status = 503
		},
		mustCloseBySuccesses + `: generation 7: the dependency has no successful probe of "c"`: func(l *fleet.Log) {
			l.Requests[4].Began = at(10_500)
		},
		mustStayAlive + ": a ended": func(l *fleet.Log) {
			l.Crashed = []string{"a"}
		},
		mustAnnounceOnce + ": generation 1 was announced twice": func(l *fleet.Log) {
			l.Reports = append(l.Reports, l.Reports[0])
		},
		mustAnnounceOnce + `: generation 3 is "open" and was announced as closed`: func(l *fleet.Log) {
			l.Reports[0].Transition = breaker.Transition{To: breaker.Closed, Generation: 3}
		},
	} {
		l := sound()
		spoil(&l)
		if found := strings.Join(Check(l), "; "); !strings.Contains(found, breach) {
			t.Errorf("want %q, found %q", breach, found)
		}
	}
}
