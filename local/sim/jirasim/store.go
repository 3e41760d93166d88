package jirasim

import "sync"

// store keeps the issues, oldest first. It is safe for concurrent use.
type store struct {
	mu      sync.RWMutex
	issues  []*issue
	numbers map[*project]int
}

// firstID is below the id of every issue.
const firstID = 10_000

// reset replaces all issues.
func (s *store) reset(issues []issue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issues, s.numbers = nil, map[*project]int{}
	for _, i := range issues {
		s.append(i)
	}
}

// commit keeps a new issue under the next id and key.
func (s *store) commit(i issue) *issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.append(i)
}

func (s *store) append(i issue) *issue {
	s.numbers[i.project]++
	i.number = s.numbers[i.project]
	i.id = firstID + int64(len(s.issues)) + 1
	s.issues = append(s.issues, &i)
	return &i
}

// all returns the issues; the slice is never written to again below its length.
func (s *store) all() []*issue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.issues[:len(s.issues):len(s.issues)]
}
