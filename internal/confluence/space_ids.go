package confluence

import (
	"sync"
	"time"
)

// Limits of the cache of space ids. A key can be reused once its space is deleted,
// so entries expire.
const (
	maxSpaceIDs    = 1000
	spaceIDsExpire = 10 * time.Minute
)

// spaceIDs caches the ids of spaces by their keys, because v2 accepts only ids.
// Unknown keys are not cached: a space can be created, or opened to the account,
// at any time. It is safe for concurrent use.
type spaceIDs struct {
	now func() time.Time

	mu    sync.Mutex
	known map[string]spaceID
}

type spaceID struct {
	id string
	at time.Time
}

func newSpaceIDs(now func() time.Time) *spaceIDs {
	return &spaceIDs{now: now, known: make(map[string]spaceID)}
}

func (s *spaceIDs) get(key string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, known := s.known[key]
	age := s.now().Sub(k.at)
	return k.id, known && age >= 0 && age < spaceIDsExpire
}

func (s *spaceIDs) set(key, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxSpaceIDs {
		clear(s.known) // rare enough to start over
	}
	s.known[key] = spaceID{id, s.now()}
}

func (s *spaceIDs) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, key)
}
