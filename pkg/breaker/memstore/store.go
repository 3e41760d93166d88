package memstore

import (
	"context"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"sync"
)

type Store struct {
	mu      sync.Mutex
	records map[string]breaker.Record
}

func New() *Store { return &Store{records: map[string]breaker.Record{}} }
func (s *Store) at(c string) breaker.Record {
	if r, ok := s.records[c]; ok {
		return r
	}
	return breaker.Record{State: breaker.Closed}
}
func (s *Store) Load(ctx context.Context, c string, _ bool) (breaker.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(c), ctx.Err()
}
func (s *Store) up(ctx context.Context, c string, f func(breaker.Record) (breaker.Record, bool)) (breaker.Record, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return breaker.Record{}, false, err
	}
	r, ok := f(s.at(c))
	if ok {
		s.records[c] = r
	}
	return r, ok, nil
}
func (s *Store) AppendFailure(ctx context.Context, c string, f breaker.Failure) (breaker.Record, bool, error) {
	return s.up(ctx, c, func(r breaker.Record) (breaker.Record, bool) { return r.Append(f) })
}
func (s *Store) PruneFailures(ctx context.Context, c string, e int64, ids []breaker.FailureID) (breaker.Record, bool, error) {
	return s.up(ctx, c, func(r breaker.Record) (breaker.Record, bool) { return r.Prune(e, ids) })
}
func (s *Store) Change(ctx context.Context, c string, ch breaker.Change) (breaker.Record, bool, error) {
	return s.up(ctx, c, func(r breaker.Record) (breaker.Record, bool) { return r.Apply(ch) })
}
