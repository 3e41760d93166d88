package storeproxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Admin switches the faults over HTTP:
//
//	GET    /faults  the fault in force
//	PUT    /faults  {"mode":"delay","delay_ms":250}
//	DELETE /faults  heals
//	GET    /counts  requests since the start, by operation
func (p *Proxy) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, describe(p.Fault())) })
	mux.HandleFunc("PUT /faults", p.putFault)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) { p.set(w, Fault{}) })
	mux.HandleFunc("GET /counts", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, p.Counts()) })
	return mux
}

// faultJSON is a Fault on the wire.
type faultJSON struct {
	Mode    Mode  `json:"mode"`
	DelayMS int64 `json:"delay_ms,omitempty"`
}

func describe(f Fault) faultJSON { return faultJSON{f.Mode, f.Delay.Milliseconds()} }

func (p *Proxy) putFault(w http.ResponseWriter, r *http.Request) {
	var body faultJSON
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&body)
	if errors.Is(err, io.EOF) {
		err = errors.New(`want a JSON body such as {"mode":"delay","delay_ms":250}`)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.set(w, Fault{Mode: body.Mode, Delay: time.Duration(body.DelayMS) * time.Millisecond})
}

func (p *Proxy) set(w http.ResponseWriter, f Fault) {
	if err := f.Validate(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := p.Set(f); err != nil {
		http.Error(w, fmt.Sprintf("the proxy cannot listen again: %v", err), http.StatusInternalServerError)
		return
	}
	writeJSON(w, describe(f))
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}
