package confluencesim

import (
	"slices"
	"sync"
)

// firstID is that of the first page.
const firstID = 200_001

// store keeps the pages, oldest first. It is safe for concurrent use.
type store struct {
	mu    sync.RWMutex
	pages []*page
}

// reset replaces all pages.
func (s *store) reset(pages []*page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages = nil
	for _, p := range pages {
		s.append(p)
	}
}

// add keeps a new page under the next id.
func (s *store) add(p *page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.append(p)
}

func (s *store) append(p *page) {
	p.number = firstID + int64(len(s.pages))
	p.text = sync.OnceValue(p.content.text)
	s.pages = append(s.pages, p)
}

// all returns the pages; the slice is the caller's.
func (s *store) all() []*page {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.pages)
}
