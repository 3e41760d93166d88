package atlassiansim

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
func (e *Edge) newControl() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/faults", e.writeFaults)
	mux.HandleFunc("PUT /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		e.takeFault(w, r, func(f Fault) { e.faults.replace(f) })
	})
	mux.HandleFunc("POST /_sim/faults", func(w http.ResponseWriter, r *http.Request) { e.takeFault(w, r, e.faults.add) })
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		e.Clear()
		e.writeFaults(w, r)
	})
	mux.HandleFunc("GET /_sim/log", func(w http.ResponseWriter, _ *http.Request) { WriteControl(w, 200, e.Log()) })
	mux.HandleFunc("GET /_sim/counts", func(w http.ResponseWriter, _ *http.Request) { WriteControl(w, 200, e.Counts()) })
	mux.HandleFunc("PUT /_sim/credentials", e.takeCredentials)
	mux.HandleFunc("DELETE /_sim/tokens", func(w http.ResponseWriter, _ *http.Request) {
		e.EndTokens()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_sim/reset", func(w http.ResponseWriter, _ *http.Request) {
		e.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	if e.product.Control != nil {
		e.product.Control(mux)
	}
	return mux
}

// faultJSON is a Fault on the wire.
type faultJSON struct {
	Fault
	DelayMS int64 `json:"delay_ms,omitempty"`
}

func (e *Edge) writeFaults(w http.ResponseWriter, _ *http.Request) {
	list := []faultJSON{}
	for _, f := range e.Faults() {
		list = append(list, faultJSON{f, f.Delay.Milliseconds()})
	}
	WriteControl(w, 200, list)
}

func (e *Edge) takeFault(w http.ResponseWriter, r *http.Request, take func(Fault)) {
	var body faultJSON
	ok := TakeControl(w, r, &body, func() *FieldError {
		if body.DelayMS < 0 || body.DelayMS > maxDelay.Milliseconds() {
			// Before the multiplication, which would overflow.
			return fieldError("delay_ms", "want 0 to %d", maxDelay.Milliseconds())
		}
		body.Delay = time.Duration(body.DelayMS) * time.Millisecond
		return body.invalid(e.operations())
	})
	if ok {
		take(body.Fault)
		e.writeFaults(w, r)
	}
}

func (e *Edge) takeCredentials(w http.ResponseWriter, r *http.Request) {
	var body struct { // a field that is not given stays
		Credentials
		App
	}
	body.Credentials, body.App = e.account.get()
	ok := TakeControl(w, r, &body, func() *FieldError {
		for field, value := range map[string]string{"token": body.Token, "client_id": body.ID, "client_secret": body.Secret} {
			if value == "" {
				return fieldError(field, "is empty")
			}
		}
		return nil
	})
	if ok {
		e.Rotate(body.Credentials)
		e.RotateApp(body.App)
		w.WriteHeader(http.StatusNoContent)
	}
}

// TakeControl reads the body of a control call into v and checks it. If it is
// not valid, it answers 400 and returns false.
func TakeControl(w http.ResponseWriter, r *http.Request, v any, check func() *FieldError) bool {
	invalid := decodeControl(w, r, v)
	if invalid == nil {
		invalid = check()
	}
	if invalid != nil {
		WriteControl(w, http.StatusBadRequest, invalid)
	}
	return invalid == nil
}

// WriteControl answers a control call in JSON.
func WriteControl(w http.ResponseWriter, status int, v any) { Encode(status, v).send(w) }

// decodeControl reads one JSON object strictly, and names the field that is
// wrong.
func decodeControl(w http.ResponseWriter, r *http.Request, v any) *FieldError {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
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
