// Package memstore keeps circuits in memory: for tests, and for processes that
// share a circuit with nobody.
package memstore

import (
	"context"
	"sync"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Store is a breaker.Store in this process's memory. It is safe for concurrent
// use. Its only errors are those of ended contexts.
type Store struct {
	mu      sync.Mutex
	records map[string]breaker.Record
}

// New returns a Store in which every circuit is closed.
func New() *Store { return &Store{records: make(map[string]breaker.Record)} }

var _ breaker.Store = (*Store)(nil)

// Load reads a circuit. Every read is consistent.
func (s *Store) Load(ctx context.Context, circuit string, _ bool) (breaker.Record, error) {
	r, _, err := s.update(ctx, circuit, func(r breaker.Record) (breaker.Record, bool) { return r, false })
	return r, err
}

// AppendFailure adds one failure.
func (s *Store) AppendFailure(ctx context.Context, circuit string, f breaker.Failure) (breaker.Record, bool, error) {
	return s.update(ctx, circuit, func(r breaker.Record) (breaker.Record, bool) { return r.Append(f) })
}

// PruneFailures removes the named failures.
func (s *Store) PruneFailures(ctx context.Context, circuit string, epoch int64, ids []breaker.FailureID) (breaker.Record, bool, error) {
	return s.update(ctx, circuit, func(r breaker.Record) (breaker.Record, bool) { return r.Prune(epoch, ids) })
}

// Change moves the circuit to another generation.
func (s *Store) Change(ctx context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	return s.update(ctx, circuit, func(r breaker.Record) (breaker.Record, bool) { return r.Apply(c) })
}

// Delete removes a circuit, which closes it.
func (s *Store) Delete(circuit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, circuit)
}

func (s *Store) update(ctx context.Context, circuit string, f func(breaker.Record) (breaker.Record, bool)) (breaker.Record, bool, error) {
	if err := ctx.Err(); err != nil {
		return breaker.Record{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[circuit]
	if !ok {
		r = breaker.Record{State: breaker.Closed}
	}
	r, held := f(r)
	if held {
		s.records[circuit] = r
	}
	return r, held, nil
}
