package atlassiansim

import (
	"maps"
	"sync"
	"time"
)

// maxJournal is how many requests are remembered.
const maxJournal = 10_000

// Request is one that arrived.
type Request struct {
	Time       time.Time `json:"time"`           // of its arrival
	Ended      time.Time `json:"ended,omitzero"` // zero while it is in progress
	Method     string    `json:"method"`
	Path       string    `json:"path"`
	Operation  Operation `json:"operation"`
	Status     int       `json:"status"` // 0: not answered, or not yet
	Fault      Kind      `json:"fault,omitempty"`
	Identity   Identity  `json:"identity"`
	Created    string    `json:"created,omitempty"` // key of what it created, answered or not
	Connection string    `json:"connection"`        // the client's address: requests on one connection share it
}

// journal remembers the requests. It is safe for concurrent use.
type journal struct {
	mu       sync.Mutex
	requests []*Request
	counts   map[Operation]int
}

func newJournal() *journal { return &journal{counts: map[Operation]int{}} }

// begin enters a request at its arrival, so that a hung one is seen.
func (j *journal) begin(r Request) *Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.requests) == maxJournal {
		j.requests = append([]*Request(nil), j.requests[maxJournal/10:]...)
	}
	j.requests = append(j.requests, &r)
	j.counts[r.Operation]++
	return &r
}

// end completes an entry.
func (j *journal) end(entry *Request, at time.Time, status int, created string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.Ended, entry.Status, entry.Created = at, status, created
}

func (j *journal) all() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]Request, len(j.requests))
	for i, r := range j.requests {
		all[i] = *r
	}
	return all
}

func (j *journal) count() map[Operation]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.counts)
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests, j.counts = nil, map[Operation]int{}
}
