// Package faultproxy is the core of proxies that inject faults, whatever their
// protocol: the fault in force, the counts of requests, and control over HTTP.
package faultproxy

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
)

// Faults are the fault in force and the requests that arrived, by name. The zero
// value of F is no fault. It is safe for concurrent use.
type Faults[F any] struct {
	mu      sync.Mutex
	fault   F
	changed chan struct{} // closed when the fault is replaced, to end what hangs
	counts  map[string]int
}

// New returns Faults without a fault.
func New[F any]() *Faults[F] {
	return &Faults[F]{changed: make(chan struct{}), counts: map[string]int{}}
}

// Set replaces the fault in force.
func (f *Faults[F]) Set(fault F) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.changed)
	f.fault, f.changed = fault, make(chan struct{})
}

// Fault returns the fault in force.
func (f *Faults[F]) Fault() F {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fault
}

// Arrived counts a request. It returns the request's fault, which meet derives from
// the fault in force and may change, and a channel that is closed when the fault in
// force is replaced.
func (f *Faults[F]) Arrived(name string, meet func(inForce *F) F) (F, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[name]++
	return meet(&f.fault), f.changed
}

// Counts returns the requests since the start, by name, faulty ones included.
func (f *Faults[F]) Counts() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts)
}

// Reset ends a connection so that the peer sees a reset, not an orderly end.
func Reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// Proxy is a proxy with faults.
type Proxy[F any] interface {
	Fault() F
	Set(F) error // returns an error if the fault is invalid
	Counts() map[string]int
}

// Control returns a handler that sets the faults of p. W is a fault on the wire;
// example is one in JSON.
//
//	GET    /faults  the fault in force
//	PUT    /faults  sets a fault, such as the example
//	DELETE /faults  heals
//	GET    /counts  requests since the start, by name
func Control[F, W any](p Proxy[F], example string, toWire func(F) W, fromWire func(W) F) http.Handler {
	show := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
	set := func(w http.ResponseWriter, fault F) {
		if err := p.Set(fault); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		show(w, toWire(p.Fault()))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { show(w, toWire(p.Fault())) })
	mux.HandleFunc("PUT /faults", func(w http.ResponseWriter, r *http.Request) {
		var body W
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&body)
		if errors.Is(err, io.EOF) {
			err = errors.New("want a JSON body such as " + example)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		set(w, fromWire(body))
	})
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) { set(w, *new(F)) })
	mux.HandleFunc("GET /counts", func(w http.ResponseWriter, _ *http.Request) { show(w, p.Counts()) })
	return mux
}
