// Package storetest is the contract of breaker.Store as a test suite. Every
// store has to pass it before it is trusted with a fleet.
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Subject is a store under test.
type Subject struct {
	Store breaker.Store
	// Delete removes a circuit's item, as an operator would by hand.
	Delete func(ctx context.Context, circuit string) error
}

// Run tests the store that open gives. open may give the same store each
// time: every test uses a circuit of its own.
func Run(t *testing.T, open func(*testing.T) Subject) {
	for rule, test := range map[string]func(*suite){
		"a missing item is closed, generation 0, epoch 0":                   missingIsClosed,
		"the first failure creates the item":                                firstFailureCreates,
		"a failure of another epoch does not create the item":               otherEpochDoesNotCreate,
		"a failure counts after the circuit has closed again":               failureAfterClose,
		"a failure of another epoch is refused with the item":               otherEpochIsRefused,
		"a failure is refused by a full set with the item":                  fullSetRefuses,
		"a repeated failure holds, on a full set too, and counts once":      repeatedFailureHolds,
		"an open circuit takes no failure":                                  openTakesNoFailure,
		"concurrent failures lose none":                                     concurrentFailures,
		"concurrent first failures agree on one writer":                     concurrentFirstFailures,
		"pruning removes the named failures only, while others are added":   pruneWhileAppending,
		"pruning is refused in another epoch":                               pruneOtherEpoch,
		"a change keeps every attribute":                                    changeKeepsAttributes,
		"a change from a missing item creates it, once":                     changeCreates,
		"a change is refused by another generation":                         changeOtherGeneration,
		"a change is refused by another writer of the same generation":      changeOtherWriter,
		"a repeated change holds":                                           repeatedChangeHolds,
		"of concurrent changes one holds, and losers are handed the winner": concurrentChanges,
		"a change that leaves the circuit closed loses no failure":          changeWhileAppending,
		"an item deleted by hand does not break the fence":                  deletedByHand,
		"circuits do not touch each other":                                  circuitsAreApart,
		"every operation means what Record says":                            meansWhatRecordSays,
	} {
		t.Run(rule, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			test(&suite{T: t, Subject: open(t), ctx: ctx, circuit: "c-" + rand.Text()})
		})
	}
}

type suite struct {
	*testing.T
	Subject
	ctx     context.Context
	circuit string
	writers int
}

func missingIsClosed(s *suite) {
	for _, consistent := range []bool{true, false} {
		r, err := s.Store.Load(s.ctx, s.circuit, consistent)
		if err != nil || !reflect.DeepEqual(r, breaker.Record{State: breaker.Closed}) {
			s.Errorf("got %+v, %v", r, err)
		}
	}
}

func firstFailureCreates(s *suite) {
	r := s.append("1#e#1", 0, 5, true)
	want := breaker.Record{State: breaker.Closed, Writer: "new-1#e#1", Failures: ids("1#e#1"), LastFailureAt: 77}
	s.same(r, want)
	s.same(s.load(), want)
}

func otherEpochDoesNotCreate(s *suite) {
	s.same(s.append("1#e#1", 3, 5, false), breaker.Record{State: breaker.Closed})
	s.same(s.load(), breaker.Record{State: breaker.Closed})
}

func failureAfterClose(s *suite) {
	closed := s.reach(breaker.Closed)
	if r := s.append("1#e#1", closed.Epoch, 5, true); len(r.Failures) != 1 || r.Generation != closed.Generation || r.Writer != closed.Writer {
		s.Errorf("a failure leaves generation and writer: %+v", r)
	}
}

func otherEpochIsRefused(s *suite) {
	closed := s.reach(breaker.Closed)
	s.same(s.append("1#e#1", 0, 5, false), closed)
	s.same(s.append("1#e#1", closed.Epoch+1, 5, false), closed)
}

func fullSetRefuses(s *suite) {
	s.append("1#e#1", 0, 2, true)
	full := s.append("1#e#2", 0, 2, true)
	s.same(s.append("1#e#3", 0, 2, false), full)
	s.same(s.load(), full)
}

func repeatedFailureHolds(s *suite) {
	s.append("1#e#1", 0, 2, true)
	s.append("1#e#2", 0, 2, true)
	if r := s.append("1#e#1", 0, 2, true); len(r.Failures) != 2 {
		s.Errorf("counted %v", r.Failures)
	}
}

func openTakesNoFailure(s *suite) {
	for _, state := range []breaker.State{breaker.Open, breaker.HalfOpen} {
		r := s.reach(state)
		s.same(s.append("1#e#1", r.Epoch, 5, false), r)
	}
}

func concurrentFailures(s *suite) {
	const n = 100
	parallel(n, func(i int) { s.append(fmt.Sprintf("1#e%d#1", i), 0, n, true) })
	if r := s.load(); len(r.Failures) != n {
		s.Errorf("%d of %d failures are stored", len(r.Failures), n)
	}
}

func concurrentFirstFailures(s *suite) {
	const n = 20
	writers := make([]string, n)
	parallel(n, func(i int) { writers[i] = s.append(fmt.Sprintf("1#e%d#1", i), 0, n, true).Writer })
	if slices.Sort(writers); writers[0] == "" || writers[0] != writers[n-1] {
		s.Errorf("writers %v", slices.Compact(writers))
	}
}

func pruneWhileAppending(s *suite) {
	const n = 50
	for i := range n {
		s.append(fmt.Sprintf("1#old#%d", i), 0, 2*n, true)
	}
	parallel(2*n, func(i int) {
		if i < n {
			s.append(fmt.Sprintf("2#new#%d", i), 0, 3*n, true)
			return
		}
		s.prune(0, true, fmt.Sprintf("1#old#%d", i-n), "1#never#1")
	})
	r := s.load()
	if len(r.Failures) != n || slices.ContainsFunc(r.Failures, func(id breaker.FailureID) bool { return id.At() == 1 }) {
		s.Errorf("left %v", r.Failures)
	}
	if r := s.prune(0, true); len(r.Failures) != n {
		s.Errorf("pruning nothing left %v", r.Failures)
	}
}

func pruneOtherEpoch(s *suite) {
	closed := s.reach(breaker.Closed)
	with := s.append("1#e#1", closed.Epoch, 5, true)
	s.same(s.prune(closed.Epoch+1, false, "1#e#1"), with)
	s.same(s.load(), with)
}

func changeKeepsAttributes(s *suite) {
	to := breaker.Record{
		Generation: 1, Writer: "w", Epoch: 1, State: breaker.HalfOpen, LastFailureAt: 2, OpenedAt: 3, RetryAt: 4, Reason: "http_503",
		TrippedBy: 5, FirstOpenedAt: 6, ConsecutiveOpens: 7, Successes: 8, ProbeOwner: "e", ProbeUntil: 9,
	}
	s.same(s.change(s.load(), to, true), to)
	s.same(s.load(), to)
	bare := breaker.Record{Generation: 2, Writer: "w2", Epoch: 2, State: breaker.Closed}
	s.same(s.change(to, bare, true), bare)
	s.same(s.load(), bare)
}

func changeCreates(s *suite) {
	to := breaker.Record{Generation: 1, Writer: "w", Epoch: 1, State: breaker.Open}
	from := s.load()
	s.change(from, to, true)
	other := to
	other.Writer = "w2"
	s.same(s.change(from, other, false), to)
}

func changeOtherGeneration(s *suite) {
	old := s.reach(breaker.Closed)
	now := s.change(old, s.next(old), true)
	s.same(s.change(old, s.next(old), false), now)
}

func changeOtherWriter(s *suite) {
	r := s.reach(breaker.Closed)
	stranger := r
	stranger.Writer = "stranger"
	s.same(s.change(stranger, s.next(r), false), r)
}

func repeatedChangeHolds(s *suite) {
	from := s.reach(breaker.Closed)
	to := s.next(from)
	s.change(from, to, true)
	s.same(s.change(from, to, true), to)
}

func concurrentChanges(s *suite) {
	const n = 100
	from := s.reach(breaker.HalfOpen)
	to := make([]breaker.Record, n)
	for i := range to {
		to[i] = s.next(from)
	}
	got := make([]breaker.Record, n)
	held := make([]bool, n)
	parallel(n, func(i int) {
		var err error
		if got[i], held[i], err = s.Store.Change(s.ctx, s.circuit, breaker.Change{From: from, To: to[i]}); err != nil {
			s.Error(err)
		}
	})
	winner := slices.Index(held, true)
	if winner < 0 || slices.Contains(held[winner+1:], true) {
		s.Fatalf("held: %v", held)
	}
	for i := range got {
		s.same(got[i], to[winner])
	}
}

func changeWhileAppending(s *suite) {
	const n, changes = 50, 20
	r := s.append("1#e#0", 0, n+1, true)
	parallel(n+1, func(i int) {
		if i < n {
			s.append(fmt.Sprintf("1#e%d#1", i), 0, n+1, true)
			return
		}
		for range changes { // only the generation moves: the circuit stays closed
			to := r
			to.Generation, to.Writer = r.Generation+1, s.writer()
			r = s.change(r, to, true)
		}
	})
	if r := s.load(); len(r.Failures) != n+1 || r.Generation != changes {
		s.Errorf("%d failures at generation %d", len(r.Failures), r.Generation)
	}
}

func deletedByHand(s *suite) {
	before := s.append("1#e#1", 0, 5, true)
	if err := s.Delete(s.ctx, s.circuit); err != nil {
		s.Fatal(err)
	}
	s.same(s.change(before, s.next(before), false), breaker.Record{State: breaker.Closed})
	again := s.append("1#e#2", 0, 5, true)
	s.same(s.change(before, s.next(before), false), again)
	s.same(s.load(), again)
}

func circuitsAreApart(s *suite) {
	s.append("1#e#1", 0, 5, true)
	s.circuit += "-other"
	s.same(s.load(), breaker.Record{State: breaker.Closed})
}

// meansWhatRecordSays compares the store, operation by operation, with the
// methods of breaker.Record that define them.
func meansWhatRecordSays(s *suite) {
	seed := mathrand.Uint64()
	r := mathrand.New(mathrand.NewPCG(seed, 0))
	model := breaker.Record{State: breaker.Closed}
	past := []breaker.Record{model}
	for step := range 300 {
		var got, want breaker.Record
		var held, wantHeld bool
		var err error
		what := ""
		epoch := past[r.IntN(len(past))].Epoch
		switch r.IntN(5) {
		case 0, 1:
			f := breaker.Failure{
				ID: breaker.FailureID(fmt.Sprintf("1#e#%d", r.IntN(8))), Epoch: epoch, Cap: 1 + r.IntN(6), At: int64(1 + r.IntN(9)), New: s.writer(),
			}
			what = fmt.Sprintf("append %+v", f)
			want, wantHeld = model.Append(f)
			got, held, err = s.Store.AppendFailure(s.ctx, s.circuit, f)
		case 2:
			some := ids(fmt.Sprintf("1#e#%d", r.IntN(8)), fmt.Sprintf("1#e#%d", 8+r.IntN(8)))
			what = fmt.Sprintf("prune %v", some)
			want, wantHeld = model.Prune(epoch, some)
			got, held, err = s.Store.PruneFailures(s.ctx, s.circuit, epoch, some)
		default:
			from := past[max(0, len(past)-1-r.IntN(3))]
			c := breaker.Change{From: from, To: s.random(r, from)}
			what = fmt.Sprintf("change %+v", c)
			want, wantHeld = model.Apply(c)
			got, held, err = s.Store.Change(s.ctx, s.circuit, c)
		}
		if err != nil || held != wantHeld || !reflect.DeepEqual(sorted(got), sorted(want)) {
			s.Fatalf("seed %d, step %d: %s on %+v\ngot  %+v %v %v\nwant %+v %v", seed, step, what, model, got, held, err, want, wantHeld)
		}
		model = want
		past = append(past, model)
	}
}

// random gives a record that could follow.
func (s *suite) random(r *mathrand.Rand, from breaker.Record) breaker.Record {
	to := breaker.Record{Generation: from.Generation + 1, Writer: s.writer(), Epoch: from.Epoch, State: from.State, Failures: from.Failures}
	if r.IntN(3) > 0 {
		to.State = []breaker.State{breaker.Closed, breaker.Open, breaker.HalfOpen}[r.IntN(3)]
		to.Epoch = to.Generation
	}
	to.OpenedAt, to.Successes, to.LastFailureAt = int64(r.IntN(3)), r.IntN(3), from.LastFailureAt
	to.ProbeOwner = []string{"", "e"}[r.IntN(2)]
	return to
}
