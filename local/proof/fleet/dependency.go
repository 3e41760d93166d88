package fleet

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/local/wait"
)

// Behaviour is how the dependency answers the requests that arrive from now on.
type Behaviour struct {
	Status     int           // default 200
	Share      float64       // of the requests that get Status, at random, the others 200; 0: all
	Latency    time.Duration // an hour is longer than any call waits
	RetryAfter time.Duration // with 429, in whole seconds
}

// Request is one entry of the dependency's journal.
type Request struct {
	Environment string
	Call        int64
	Probe       bool
	Local       bool // admitted by the local fallback
	Began       time.Time
	Ended       time.Time // zero during the request; that of a killed client ends with its connection
	Status      int       // 0: the client left before it was answered
}

// Dependency is the service that the circuit protects. It journals every request.
type Dependency struct {
	server *httptest.Server

	mu        sync.Mutex
	behaviour Behaviour
	journal   []*Request
}

func newDependency() *Dependency {
	d := &Dependency{}
	d.server = httptest.NewServer(d)
	return d
}

// Set changes the behaviour.
func (d *Dependency) Set(b Behaviour) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.behaviour = b
}

// Requests returns the journal, in the order of arrival.
func (d *Dependency) Requests() []Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	journal := make([]Request, len(d.journal))
	for i, r := range d.journal {
		journal[i] = *r
	}
	return journal
}

// Probing returns the fleet's running probe, if there is one.
func (d *Dependency) Probing() (Request, bool) {
	journal := d.Requests()
	i := slices.IndexFunc(journal, func(r Request) bool { return r.Probe && !r.Local && r.Ended.IsZero() })
	if i < 0 {
		return Request{}, false
	}
	return journal[i], true
}

// ServeHTTP answers with the behaviour at the request's arrival.
func (d *Dependency) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry, b := d.arrived(r.Header)
	answers := wait.Pause(r.Context(), b.Latency)
	status := 0
	if answers {
		status = b.Status
		if status == 0 || b.Share > 0 && rand.Float64() >= b.Share {
			status = http.StatusOK
		}
		if b.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(b.RetryAfter.Seconds())))
		}
	}
	// The entry ends before the client has its answer, and so before the next probe.
	d.mu.Lock()
	entry.Ended, entry.Status = time.Now(), status
	d.mu.Unlock()
	if answers {
		w.WriteHeader(status)
	}
}

func (d *Dependency) arrived(h http.Header) (*Request, Behaviour) {
	call, _ := strconv.ParseInt(h.Get(wire.HeaderCall), 10, 64)
	entry := &Request{
		Environment: h.Get(wire.HeaderEnvironment), Call: call,
		Probe: h.Get(wire.HeaderProbe) == "true", Local: h.Get(wire.HeaderLocal) == "true",
		Began: time.Now(),
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.journal = append(d.journal, entry)
	return entry, d.behaviour
}

func (d *Dependency) close() {
	d.server.CloseClientConnections()
	d.server.Close()
}
