package storetest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// operation is a write on the store, and its definition by Record.
type operation struct {
	text    string
	perform func() (breaker.Record, bool, error)
	define  func(breaker.Record) (breaker.Record, bool)
}

// doesWhatRecordDefines compares the store, operation by operation, with the
// methods of breaker.Record that define them. Operations are random; some are
// repeated, and many start from a record that is no longer the latest.
func doesWhatRecordDefines(s *suite) {
	seed := rand.Uint64()
	r := random{rand.New(rand.NewPCG(seed, 0))}
	past := []breaker.Record{{State: breaker.Closed}}
	var o operation
	for step := range 300 {
		now := past[len(past)-1]
		if step == 0 || r.IntN(6) > 0 {
			o = s.operation(r, past)
		}
		want, wantHeld := o.define(now)
		got, held, err := o.perform()
		if err != nil || held != wantHeld || !reflect.DeepEqual(sorted(got), sorted(want)) {
			s.Fatalf("seed %d, step %d: %s on %+v\ngot  %+v %v %v\nwant %+v %v", seed, step, o.text, now, got, held, err, want, wantHeld)
		}
		past = append(past, want)
	}
}

func (s *suite) operation(r random, past []breaker.Record) operation {
	from := past[max(0, len(past)-1-r.IntN(3))]
	switch r.IntN(6) {
	case 0, 1:
		f := breaker.Failure{ID: r.failure(), Epoch: from.Epoch, Cap: 1 + r.IntN(6), At: 1 + r.time(), New: s.writer()}
		if r.IntN(2) == 0 {
			f.More = []breaker.Count{r.count(breaker.FailuresOfSixth, from), r.count(breaker.FailuresOfSecond, from)}
		}
		return operation{
			text:    fmt.Sprintf("append %+v", f),
			perform: func() (breaker.Record, bool, error) { return s.Store.AppendFailure(s.ctx, s.circuit, f) },
			define:  func(now breaker.Record) (breaker.Record, bool) { return now.Append(f) },
		}
	case 2:
		some := []breaker.FailureID{r.failure(), "2#never#1"}
		return operation{
			text: fmt.Sprintf("prune %v in epoch %d", some, from.Epoch),
			perform: func() (breaker.Record, bool, error) {
				return s.Store.PruneFailures(s.ctx, s.circuit, from.Epoch, some)
			},
			define: func(now breaker.Record) (breaker.Record, bool) { return now.Prune(from.Epoch, some) },
		}
	case 3:
		t := r.tally(from)
		return operation{
			text:    fmt.Sprintf("count %+v", t),
			perform: func() (breaker.Record, bool, error) { return s.Store.Count(s.ctx, s.circuit, t) },
			define:  func(now breaker.Record) (breaker.Record, bool) { return now.Count(t) },
		}
	default:
		c := breaker.Change{From: from, To: s.successor(r, from)}
		return operation{
			text:    fmt.Sprintf("change %+v", c),
			perform: func() (breaker.Record, bool, error) { return s.Store.Change(s.ctx, s.circuit, c) },
			define:  func(now breaker.Record) (breaker.Record, bool) { return now.Apply(c) },
		}
	}
}

// successor returns a record that a change of another could write. Each attribute
// is set, cleared or kept.
func (s *suite) successor(r random, from breaker.Record) breaker.Record {
	to := s.next(from)
	if r.IntN(3) > 0 {
		to.State, to.Epoch = r.state(), to.Generation
	}
	for _, field := range []*int64{&to.LastFailureAt, &to.OpenedAt, &to.RetryAt, &to.FirstOpenedAt, &to.ClosedAt, &to.Traffic, &to.ProbeUntil, &to.OverrideUntil} {
		if r.IntN(2) == 0 {
			*field = r.time()
		}
	}
	for _, field := range []*int{&to.TrippedBy, &to.TrippedCalls, &to.ConsecutiveOpens, &to.Successes, &to.ProbeFailures} {
		if r.IntN(2) == 0 {
			*field = r.IntN(3)
		}
	}
	if r.IntN(2) == 0 {
		to.OverrideMode = []breaker.OverrideMode{"", breaker.OverrideOpen, breaker.OverrideDisabled}[r.IntN(3)]
	}
	for _, field := range []*string{&to.Reason, &to.ProbeOwner, &to.OverrideBy, &to.OverrideWhy} {
		if r.IntN(2) == 0 {
			*field = r.text()
		}
	}
	return to
}

// random returns values from ranges so small that they repeat.
type random struct{ *rand.Rand }

func (r random) time() int64  { return int64(r.IntN(4)) }
func (r random) text() string { return []string{"", "timeout", "http_503"}[r.IntN(3)] }

func (r random) failure() breaker.FailureID {
	return breaker.FailureID(fmt.Sprintf("1#e#%d", r.IntN(8)))
}

func (r random) count(kind breaker.CountKind, from breaker.Record) breaker.Count {
	return breaker.Count{Kind: kind, Epoch: from.Epoch, Bucket: int64(r.IntN(3)), Calls: int64(1 + r.IntN(3))}
}

// tally returns one that adds to some buckets, and removes others that the record
// has.
func (r random) tally(from breaker.Record) breaker.Tally {
	t := breaker.Tally{Epoch: from.Epoch, Traffic: r.time()}
	t.Add = []breaker.Count{r.count(breaker.SuccessesOfSixth, from), r.count(breaker.SuccessesOfSecond, from)}
	for _, c := range from.Counts {
		same := func(added breaker.Count) bool { return added.Compare(c) == 0 }
		if r.IntN(3) == 0 && !slices.ContainsFunc(t.Add, same) {
			t.Gone = append(t.Gone, c)
		}
	}
	return t
}

func (r random) state() breaker.State {
	return []breaker.State{breaker.Closed, breaker.Open, breaker.HalfOpen}[r.IntN(3)]
}
