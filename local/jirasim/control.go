package jirasim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// newControl makes the handler of everything below /_sim/.
func (s *Simulator) newControl() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/faults", s.writeFaults)
	mux.HandleFunc("PUT /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		s.takeFault(w, r, func(f Fault) { s.faults.replace(f) })
	})
	mux.HandleFunc("POST /_sim/faults", func(w http.ResponseWriter, r *http.Request) { s.takeFault(w, r, s.faults.add) })
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		s.Clear()
		s.writeFaults(w, r)
	})
	mux.HandleFunc("GET /_sim/log", func(w http.ResponseWriter, _ *http.Request) { encode(200, s.Log()).send(w) })
	mux.HandleFunc("GET /_sim/counts", func(w http.ResponseWriter, _ *http.Request) { encode(200, s.Counts()).send(w) })
	mux.HandleFunc("PUT /_sim/credentials", s.takeCredentials)
	mux.HandleFunc("POST /_sim/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// faultJSON is a Fault on the wire.
type faultJSON struct {
	Fault
	DelayMS int64 `json:"delay_ms,omitempty"`
}

func (s *Simulator) writeFaults(w http.ResponseWriter, _ *http.Request) {
	list := []faultJSON{}
	for _, f := range s.Faults() {
		list = append(list, faultJSON{f, f.Delay.Milliseconds()})
	}
	encode(200, list).send(w)
}

func (s *Simulator) takeFault(w http.ResponseWriter, r *http.Request, take func(Fault)) {
	var body faultJSON
	invalid := decodeControl(w, r, &body)
	if invalid == nil && (body.DelayMS < 0 || body.DelayMS > maxDelay.Milliseconds()) {
		// Before the multiplication, which would overflow.
		invalid = fieldError("delay_ms", "want 0 to %d", maxDelay.Milliseconds())
	}
	fault := body.Fault
	fault.Delay = time.Duration(body.DelayMS) * time.Millisecond
	if invalid == nil {
		invalid = fault.invalid()
	}
	if invalid != nil {
		encode(400, invalid).send(w)
		return
	}
	take(fault)
	s.writeFaults(w, r)
}

func (s *Simulator) takeCredentials(w http.ResponseWriter, r *http.Request) {
	body := s.account.get() // a field that is not given stays
	invalid := decodeControl(w, r, &body)
	if invalid == nil && body.Token == "" {
		invalid = fieldError("token", "is empty")
	}
	if invalid != nil {
		encode(400, invalid).send(w)
		return
	}
	s.Rotate(body)
	w.WriteHeader(http.StatusNoContent)
}

// decodeControl reads one JSON object strictly, and names the field that is
// wrong.
func decodeControl(w http.ResponseWriter, r *http.Request, v any) *FieldError {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<12))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
	if err == nil {
		if _, trailing := decoder.Token(); trailing != io.EOF {
			err = errors.New("more than one JSON value")
		}
	}
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		field := wrong.Field[strings.LastIndex(wrong.Field, ".")+1:] // without the embedded struct's name
		return fieldError(field, "want %s, not %s", wrong.Type.Kind(), wrong.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fieldError(strings.Trim(name, `"`), "is unknown")
	}
	return &FieldError{"body", fmt.Sprintf("want a JSON object: %v", err)}
}
