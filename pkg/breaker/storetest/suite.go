// Package storetest tests implementations of breaker.Store. A store that passes
// is safe for a fleet.
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Subject is a store under test.
type Subject struct {
	Store breaker.Store
	// Delete removes a circuit's item, as an operator could by hand. If it is nil,
	// the effects of a deletion are not tested.
	Delete func(ctx context.Context, circuit string) error
}

// Run tests the store that open returns. open may return the same store each
// time, because every test uses another circuit.
func Run(t *testing.T, open func(*testing.T) Subject) {
	for rule, test := range map[string]func(*suite){
		"a missing item is closed, generation 0, epoch 0":                   missingIsClosed,
		"the first failure creates the item":                                firstFailureCreates,
		"a failure of another epoch does not create the item":               otherEpochDoesNotCreate,
		"a failure counts after the circuit has closed again":               failureAfterClose,
		"counts add up, however many write at once":                         concurrentCounts,
		"a count conflicts where there is no item, or another epoch":        countsAreFenced,
		"leaving closed removes the counts that are known":                  openingRemovesCounts,
		"a change among counts holds at its first try":                      changeWhileCounting,
		"a failure of another epoch returns the item":                       otherEpochConflicts,
		"a failure that does not fit returns the item":                      fullSetConflicts,
		"a repeated failure holds, on a full set too, and counts once":      repeatedFailureHolds,
		"an open circuit takes no failure":                                  openTakesNoFailure,
		"no concurrent failure is lost":                                     concurrentFailures,
		"concurrent first failures agree on one writer":                     concurrentFirstFailures,
		"pruning removes only the given failures, while others are added":   pruneWhileAppending,
		"pruning in another epoch is a conflict, and creates no item":       pruneOtherEpoch,
		"a set that was pruned empty takes failures again":                  pruneAll,
		"a change keeps every attribute":                                    changeKeepsAttributes,
		"a change from a missing item creates it, once":                     changeCreates,
		"a change of another generation is a conflict":                      changeOtherGeneration,
		"a change conflicts by the writer or the generation alone":          changeOtherWriter,
		"a repeated change holds, unless another has overtaken it":          repeatedChangeHolds,
		"leaving closed removes the failures":                               openingRemovesFailures,
		"a change leaves what a failure wrote since it was decided":         changeLeavesLaterFailure,
		"one of concurrent changes holds, and the others return the winner": concurrentChanges,
		"a change that leaves the circuit closed loses no failure":          changeWhileAppending,
		"an item deleted by hand does not break the fence":                  deletedByHand,
		"circuits do not affect each other":                                 circuitsAreSeparate,
		"an operation whose context has ended is an error":                  endedContext,
		"history is read newest first, up to the limit":                     historyNewestFirst,
		"history keeps every attribute, and a repeated entry once":          historyKeepsAttributes,
		"history does not affect the circuit, or the history of others":     historyIsSeparate,
		"every operation does what Record defines":                          doesWhatRecordDefines,
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
		s.Errorf("a failure changed generation or writer: %+v", r)
	}
}

func otherEpochConflicts(s *suite) {
	closed := s.reach(breaker.Closed)
	s.same(s.append("1#e#1", 0, 5, false), closed)
	s.same(s.append("1#e#1", closed.Epoch+1, 5, false), closed)
}

func fullSetConflicts(s *suite) {
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
	s.same(s.prune(0, false, "1#e#1"), breaker.Record{State: breaker.Closed})
	s.same(s.load(), breaker.Record{State: breaker.Closed})
	closed := s.reach(breaker.Closed)
	with := s.append("1#e#1", closed.Epoch, 5, true)
	s.same(s.prune(closed.Epoch+1, false, "1#e#1"), with)
	s.same(s.load(), with)
}

func pruneAll(s *suite) {
	s.append("1#e#1", 0, 1, true)
	if r := s.prune(0, true, "1#e#1"); len(r.Failures) != 0 {
		s.Errorf("left %v", r.Failures)
	}
	if r := s.append("1#e#2", 0, 1, true); !slices.Equal(r.Failures, ids("1#e#2")) {
		s.Errorf("holds %v", r.Failures)
	}
}

func changeKeepsAttributes(s *suite) {
	to := breaker.Record{
		Generation: 1, Writer: "w", Epoch: 1, State: breaker.HalfOpen, LastFailureAt: 2, OpenedAt: 3, RetryAt: 4, Reason: "http_503",
		TrippedBy: 5, FirstOpenedAt: 6, ConsecutiveOpens: 7, Successes: 8, ProbeOwner: "e", ProbeUntil: 9,
		OverrideMode: breaker.OverrideOpen, OverrideBy: "an operator", OverrideWhy: "maintenance", OverrideUntil: 10,
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
	older := r
	older.Generation--
	s.same(s.change(older, s.next(r), false), r)
}

func repeatedChangeHolds(s *suite) {
	from := s.reach(breaker.Closed)
	to := s.next(from)
	s.change(from, to, true)
	s.same(s.change(from, to, true), to)
	overtaken := s.change(to, s.next(to), true)
	s.same(s.change(from, to, false), overtaken)
}

func openingRemovesFailures(s *suite) {
	closed := s.append("1#e#1", 0, 5, true)
	to := s.next(closed)
	to.State, to.Epoch, to.Failures = breaker.Open, to.Generation, nil
	s.same(s.change(closed, to, true), to)
	s.same(s.load(), to)
}

func changeLeavesLaterFailure(s *suite) {
	decided := s.reach(breaker.Closed)
	s.append("1#e#1", decided.Epoch, 5, true)
	to := s.next(decided)
	s.change(decided, to, true)
	to.Failures, to.LastFailureAt = ids("1#e#1"), 77
	s.same(s.load(), to)
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
	if s.Delete == nil {
		return
	}
	before := s.append("1#e#1", 0, 5, true)
	if err := s.Delete(s.ctx, s.circuit); err != nil {
		s.Fatal(err)
	}
	s.same(s.change(before, s.next(before), false), breaker.Record{State: breaker.Closed})
	again := s.append("1#e#2", 0, 5, true)
	s.same(s.change(before, s.next(before), false), again)
	s.same(s.load(), again)
}

func circuitsAreSeparate(s *suite) {
	s.append("1#e#1", 0, 5, true)
	s.circuit += "-other"
	s.same(s.load(), breaker.Record{State: breaker.Closed})
}

func endedContext(s *suite) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	before := s.append("1#e#1", 0, 5, true)
	_, load := s.Store.Load(ctx, s.circuit, true)
	_, _, add := s.Store.AppendFailure(ctx, s.circuit, breaker.Failure{ID: "1#e#2", Cap: 5, At: 1, New: s.writer()})
	_, _, prune := s.Store.PruneFailures(ctx, s.circuit, 0, ids("1#e#1"))
	_, _, change := s.Store.Change(ctx, s.circuit, breaker.Change{From: before, To: s.next(before)})
	put := s.Store.PutTransition(ctx, s.circuit, breaker.Transition{Generation: 1, At: time.UnixMilli(1)})
	_, history := s.Store.Transitions(ctx, s.circuit, 1)
	for operation, err := range map[string]error{
		"load": load, "append": add, "prune": prune, "change": change, "put transition": put, "transitions": history,
	} {
		if err == nil {
			s.Errorf("%s: no error", operation)
		}
	}
}
