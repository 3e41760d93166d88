package fleet

import (
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
	Latency    time.Duration // an hour never answers in anybody's patience
	RetryAfter time.Duration // with 429, in whole seconds
}

// Request is one entry of the dependency's log.
type Request struct {
	Environment string
	Call        int64
	Probe       bool
	Local       bool // admitted by an environment that decides alone
	Began       time.Time
	Ended       time.Time // zero while under way; a dead client's ends with its connection
	Status      int       // 0: the client left before it was answered
}

// Dependency is what the fleet protects. It logs every request.
type Dependency struct {
	server *httptest.Server

	mu        sync.Mutex
	behaviour Behaviour
	log       []*Request
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

// Requests is the log, in the order of arrival.
func (d *Dependency) Requests() []Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	log := make([]Request, len(d.log))
	for i, r := range d.log {
		log[i] = *r
	}
	return log
}

// Probing returns the fleet's probe that is under way, if there is one.
func (d *Dependency) Probing() (Request, bool) {
	log := d.Requests()
	i := slices.IndexFunc(log, func(r Request) bool { return r.Probe && !r.Local && r.Ended.IsZero() })
	if i < 0 {
		return Request{}, false
	}
	return log[i], true
}

// ServeHTTP answers as the behaviour says.
func (d *Dependency) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry, b := d.arrived(r.Header)
	answers := wait.Pause(r.Context(), b.Latency)
	status := 0
	if answers {
		status = b.Status
		if status == 0 {
			status = http.StatusOK
		}
		if b.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(b.RetryAfter.Seconds())))
		}
	}
	// The entry ends before the client can know, and so before another probe.
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
	d.log = append(d.log, entry)
	return entry, d.behaviour
}

func (d *Dependency) close() {
	d.server.CloseClientConnections()
	d.server.Close()
}
