// Package memstore keeps circuits in memory, for tests and for a process that
// shares its circuits with no other.
package memstore

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Store is a breaker.Store in the memory of this process. It is safe for
// concurrent use. Its only errors are those of ended contexts.
type Store struct {
	mu      sync.Mutex
	records map[string]*breaker.Record
	history map[string][]breaker.Transition // newest first
}

// historyKept is the most transitions kept for a circuit.
const historyKept = 1000

// New returns a Store in which every circuit is closed.
func New() *Store {
	return &Store{records: make(map[string]*breaker.Record), history: make(map[string][]breaker.Transition)}
}

var _ breaker.Store = (*Store)(nil)

// Load reads a circuit. Every read is consistent.
func (s *Store) Load(ctx context.Context, circuit string, _ bool) (breaker.Record, error) {
	r, _, err := s.update(ctx, circuit, func(r breaker.Record) (breaker.Record, bool) { return r, false })
	return r, err
}

// AppendFailure adds one failure.
func (s *Store) AppendFailure(ctx context.Context, circuit string, f breaker.Failure) (breaker.Record, bool, error) {
	return s.update(ctx, circuit, func(r breaker.Record) (breaker.Record, bool) {
		held := r.AppendInPlace(f)
		return r, held
	})
}

// Count adds to the circuit's counts.
func (s *Store) Count(ctx context.Context, circuit string, t breaker.Tally) (breaker.Record, bool, error) {
	return s.update(ctx, circuit, func(r breaker.Record) (breaker.Record, bool) { return r.Count(t) })
}

// PruneFailures removes the named failures.
func (s *Store) PruneFailures(ctx context.Context, circuit string, epoch int64, ids []breaker.FailureID) (breaker.Record, bool, error) {
	return s.update(ctx, circuit, func(r breaker.Record) (breaker.Record, bool) { return r.Prune(epoch, ids) })
}

// Change moves the circuit to another generation.
func (s *Store) Change(ctx context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	return s.update(ctx, circuit, func(r breaker.Record) (breaker.Record, bool) { return r.Apply(c) })
}

// PutTransition adds an entry to the circuit's history, which keeps the newest
// 1,000 entries, however old.
func (s *Store) PutTransition(ctx context.Context, circuit string, t breaker.Transition) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.history[circuit]
	i, found := slices.BinarySearchFunc(list, t, func(kept, t breaker.Transition) int {
		return cmp.Or(t.At.Compare(kept.At), cmp.Compare(t.Generation, kept.Generation))
	})
	if found {
		list[i] = t
		return nil
	}
	list = slices.Insert(list, i, t)
	s.history[circuit] = list[:min(len(list), historyKept)]
	return nil
}

// Transitions returns the newest entries of the circuit's history.
func (s *Store) Transitions(ctx context.Context, circuit string, limit int) ([]breaker.Transition, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.history[circuit]
	return slices.Clone(list[:min(len(list), limit)]), nil
}

// Delete removes a circuit's record, which closes the circuit. Its history stays.
func (s *Store) Delete(circuit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, circuit)
}

// update changes a record. What it returns has no room for failures: that is
// the kept record's.
func (s *Store) update(ctx context.Context, circuit string, f func(breaker.Record) (breaker.Record, bool)) (breaker.Record, bool, error) {
	if err := ctx.Err(); err != nil {
		return breaker.Record{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.records[circuit]
	r := breaker.Record{State: breaker.Closed}
	if ok {
		r = *stored
	}
	r, held := f(r)
	switch {
	case held && ok:
		*stored = r
	case held:
		created := r
		s.records[circuit] = &created
	}
	r.Failures = slices.Clip(r.Failures)
	return r, held, nil
}
