// Package memstore keeps idempotency records in memory, for tests.
package memstore

import (
	"context"
	"sync"

	"github.com/coldfuse/coldfuse/internal/idempotency"
)

// Store is an idempotency.Store that never fails. It is safe for concurrent
// use.
type Store struct {
	mu      sync.Mutex
	records map[string]idempotency.Record
}

// New returns an empty Store.
func New() *Store { return &Store{records: map[string]idempotency.Record{}} }

// Load reads a record.
func (s *Store) Load(_ context.Context, id string) (idempotency.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[id], nil
}

// Change writes to where from still is.
func (s *Store) Change(_ context.Context, id string, from, to idempotency.Record) (idempotency.Record, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.records[id]
	if !now.SameWrite(from) {
		return now, now.SameWrite(to), nil
	}
	s.records[id] = to
	return to, true, nil
}
