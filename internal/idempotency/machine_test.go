package idempotency

import (
	"fmt"
	"testing"
	"time"
)

const minute = int64(60_000)

// everyRecord calls visit with one record of each kind that a call can find at now.
func everyRecord(now int64, visit func(name string, r Record)) {
	for _, state := range []State{InProgress, Unknown, Released, Completed} {
		for _, lease := range []int64{now - minute, now, now + minute} {
			for _, sent := range []int64{0, now - 11*minute, now - minute} {
				for _, unlabelled := range []bool{false, true} {
					for _, expires := range []int64{now / 1000, now/1000 + 3600} {
						r := Record{State: state, Payload: "p", Version: 3, Writer: "other", LeaseUntil: lease, SentUntil: sent,
							BornAt: now - 20*minute, Unlabelled: unlabelled, ExpiresAt: expires, Attempts: 2}
						if state == Unknown && sent == 0 || state == Released && sent != 0 {
							continue // no call writes such
						}
						visit(fmt.Sprintf("%+v", r), r)
					}
				}
			}
		}
	}
	visit("none", Record{})
}

func TestStep(t *testing.T) {
	const now = 100 * minute
	seen := map[Step]int{}
	everyRecord(now, func(name string, r Record) {
		for _, payload := range []string{"p", "q"} {
			for _, waited := range []bool{false, true} {
				step := r.step(payload, now, waited)
				seen[step]++
				forgotten := r.Version == 0 || r.ExpiresAt <= now/1000
				mayExist := !forgotten && r.State != Released
				for rule, broken := range map[string]bool{
					"nothing is sent where something may exist":         step == Send && mayExist,
					"nothing is looked for where nothing can exist":     step != Send && !mayExist,
					"another payload gets nothing of this one":          mayExist && payload != "p" && step != Mismatch,
					"only another payload is a mismatch":                step == Mismatch && payload == "p",
					"an issue is answered, and only an issue":           payload == "p" && mayExist && (r.State == Completed) != (step == Replay),
					"no lease is taken over before its end":             step == LookUp && r.State == InProgress && now <= r.LeaseUntil,
					"no lease is waited for after its end":              step == Wait && (r.State != InProgress || now > r.LeaseUntil),
					"only who has waited takes another's word":          step == Unsure && !(waited && r.State == Unknown),
					"who has waited does not look again after the call": waited && r.State == Unknown && step == LookUp,
				} {
					if broken {
						t.Errorf("%s: payload %s, waited %v, %s gives %d", rule, payload, waited, name, step)
					}
				}
			}
		}
	})
	for step := Send; step <= Unsure; step++ {
		if seen[step] == 0 {
			t.Errorf("step %d is never taken", step)
		}
	}
}

func TestTransitions(t *testing.T) {
	const now = 100 * minute
	everyRecord(now, func(name string, r Record) {
		step := r.step("p", now, false)
		if step != Send && step != LookUp {
			return
		}
		claimed := r.claimed("p", now, now+minute)
		ends := map[string]Record{
			"claimed": claimed, "unlabelled": claimed.unlabelled(), "completed": claimed.completed("1", "OPS-1"),
			"released": claimed.released(), "unknown": claimed.unknown(now + 5),
		}
		for end, next := range ends {
			after := next.step("p", now+2*minute, false) // when the lease has ended
			mayExist := step == LookUp || end != "released"
			for rule, broken := range map[string]bool{
				"each write has a version of its own":                   next.Version <= r.Version || end != "claimed" && next.Version != claimed.Version+1,
				"what may exist is never forgotten":                     mayExist && after == Send,
				"what cannot exist is not looked for":                   !mayExist && after != Send,
				"a claim without the lease's end is remembered as sent": end == "claimed" && next.claimed("p", now+2*minute, now+3*minute).SentUntil != now+minute,
				"what an earlier call sent stays known":                 step == LookUp && next.SentUntil < r.SentUntil,
				"an earlier lease may have sent to its end":             step == LookUp && r.State == InProgress && next.SentUntil < r.LeaseUntil,
				"what was sent without a label stays so":                step == LookUp && r.Unlabelled && !next.Unlabelled,
				"the search reaches back to the first request":          step == LookUp && next.BornAt != r.BornAt || step == Send && next.BornAt != now,
				"a record outlives its lease by a day":                  next.ExpiresAt < (now+minute)/1000+24*3600,
				"a lost label is never trusted":                         next.Unlabelled && next.SentUntil > 0 && next.maySend(now+1000*minute),
				"nothing is sent again within ten minutes":              next.SentUntil > 0 && next.maySend(next.SentUntil+settleAfter.Milliseconds()),
			} {
				if broken {
					t.Errorf("%s: %s of %s is %+v", rule, end, name, next)
				}
			}
		}
		if u := ends["unknown"]; !u.Unlabelled && !u.maySend(u.SentUntil+settleAfter.Milliseconds()+1) {
			t.Errorf("a search is believed in the end: %s", name)
		}
	})
}

func TestIDsOfScopesDiffer(t *testing.T) {
	seen := map[string]Key{}
	for _, k := range []Key{
		{"op", "a", "b", ""}, {"op", "ab", "", ""}, {"op", "", "ab", ""}, {"opa", "", "b", ""}, {"op", "a", "c", ""}, {"op", "1:a", "b", ""},
	} {
		id := k.id()
		if other, has := seen[id]; has || len(label(id)) != len("idem-")+16 {
			t.Errorf("%+v and %+v are %s", k, other, id)
		}
		seen[id] = k
	}
	if (Key{"op", "s", "v", "p"}).id() != (Key{"op", "s", "v", "q"}).id() {
		t.Error("the payload is no part of the id")
	}
}

func TestNothingIsSentNearTheLeasesEnd(t *testing.T) {
	began := time.UnixMilli(0)
	for rule, c := range map[string]struct{ lease, send time.Duration }{
		"two seconds are left":               {29 * time.Second, 27 * time.Second},
		"a third is, of a short one":         {3 * time.Second, 2 * time.Second},
		"a lease that is over sends nothing": {0, 0},
	} {
		if got := sendUntil(began, began.Add(c.lease)); !got.Equal(began.Add(c.send)) {
			t.Errorf("%s: %s", rule, got.Sub(began))
		}
	}
}
