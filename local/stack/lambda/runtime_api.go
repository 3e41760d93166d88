package lambda

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// serve opens the environment's Runtime API on a loopback port and returns
// its address.
func (e *environment) serve() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("runtime API: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.serveResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.serveError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.serveInitError)
	e.api = &http.Server{Handler: mux}
	go e.api.Serve(listener)
	return listener.Addr().String(), nil
}

// serveNext holds the process's request until there is an invocation; the
// process is frozen meanwhile.
func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	select {
	case e.ready <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	select {
	case inv := <-e.deliver:
		e.writeInvocation(w, inv)
	case <-r.Context().Done():
	}
}

func (e *environment) writeInvocation(w http.ResponseWriter, inv *invocation) {
	deadline := time.Now().Add(e.function.config.Timeout)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:local:000000000000:function:"+e.function.config.Name)
	h.Set("Lambda-Runtime-Trace-Id", inv.trace)
	w.Write(inv.payload)
}

func (e *environment) serveResponse(w http.ResponseWriter, r *http.Request) {
	if !e.isCurrent(w, r) {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		e.reply(r, reply{err: &FunctionError{"Function.ResponseSizeTooLarge",
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload)}})
		writeStatus(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge")
		return
	}
	e.reply(r, reply{payload: body})
	writeStatus(w, http.StatusAccepted, "OK")
}

func (e *environment) serveError(w http.ResponseWriter, r *http.Request) {
	if e.isCurrent(w, r) {
		e.replyError(w, r)
	}
}

func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	e.replyError(w, r)
}

func (e *environment) replyError(w http.ResponseWriter, r *http.Request) {
	var body struct{ ErrorMessage, ErrorType string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPayload)).Decode(&body); err != nil {
		body.ErrorMessage = "the runtime reported an error that is not JSON"
	}
	e.reply(r, reply{err: &FunctionError{body.ErrorType, body.ErrorMessage}})
	writeStatus(w, http.StatusAccepted, "OK")
}

// isCurrent rejects answers to any invocation but the one in progress.
func (e *environment) isCurrent(w http.ResponseWriter, r *http.Request) bool {
	e.mu.Lock()
	current := e.current != nil && e.current.id == r.PathValue("id")
	e.mu.Unlock()
	if !current {
		writeStatus(w, http.StatusBadRequest, "InvalidRequestID")
	}
	return current
}

func (e *environment) reply(r *http.Request, answer reply) {
	select {
	case e.replies <- answer:
	case <-r.Context().Done():
	}
}

func writeStatus(w http.ResponseWriter, code int, status string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]string{"status": status})
}
