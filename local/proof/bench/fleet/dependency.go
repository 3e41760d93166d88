package fleet

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Health is how a dependency answers.
type Health int

// A dependency answers after its latency, well or with a failure, or not at
// all until its client goes away.
const (
	Healthy Health = iota
	Dead
	Hanging
)

// Request is one that reached a dependency.
type Request struct {
	Member string
	At     time.Time
	Probe  bool
	Health Health // that it met
	Losses int    // how often the member took the circuit's store for lost so far
}

// Dependency is one that keeps a journal. It is safe for concurrent use.
type Dependency struct {
	URL     string
	server  *httptest.Server
	latency time.Duration

	mu       sync.Mutex
	health   Health
	requests []Request
}

// NewDependency starts a healthy one, which answers after latency.
func NewDependency(latency time.Duration) *Dependency {
	d := &Dependency{latency: latency}
	d.server = httptest.NewServer(d)
	d.URL = d.server.URL
	return d
}

// Close ends it, and what hangs in it.
func (d *Dependency) Close() {
	d.server.CloseClientConnections()
	d.server.Close()
}

// Set changes how it answers the requests that come from now on.
func (d *Dependency) Set(h Health) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.health = h
}

// Requests are those since a moment that meet the condition, oldest first.
func (d *Dependency) Requests(since time.Time, want func(Request) bool) []Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.requests), func(r Request) bool { return r.At.Before(since) || !want(r) })
}

// ServeHTTP answers as the health at arrival says.
func (d *Dependency) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	health := d.arrived(r)
	if health == Hanging {
		<-r.Context().Done()
		return
	}
	select {
	case <-time.After(d.latency):
	case <-r.Context().Done():
		return
	}
	if health == Dead {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (d *Dependency) arrived(r *http.Request) Health {
	losses, _ := strconv.Atoi(r.Header.Get(LossesHeader)) // 0: none told
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests = append(d.requests, Request{
		Member: r.Header.Get(MemberHeader), At: time.Now(), Probe: r.Header.Get(ProbeHeader) != "", Health: d.health, Losses: losses,
	})
	return d.health
}
