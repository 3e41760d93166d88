package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Wrap returns next behind the check. Everything in which a request or its answer
// differs from the description goes to report, which may be called
// concurrently; the exchange itself is not changed. Calls of a simulator's own,
// below /_sim/, and answers that break off are not looked at.
func (d *Description) Wrap(next http.Handler, report func(error)) http.Handler {
	return &checked{d, next, report}
}

type checked struct {
	description *Description
	next        http.Handler
	report      func(error)
}

func (c *checked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		c.next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has left
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	input, wrong := c.description.request(r, body)
	for _, err := range wrong {
		c.report(fmt.Errorf("request %s %s: %w", r.Method, r.URL.Path, err))
	}
	a := &answer{ResponseWriter: w, status: http.StatusOK}
	c.next.ServeHTTP(a, r)
	if input == nil {
		return
	}
	a.header = w.Header()
	if err := c.description.response(input, a); err != nil {
		c.report(fmt.Errorf("answer %d to %s %s: %w", a.status, r.Method, r.URL.Path, err))
	}
}

// answer keeps what is written through it.
type answer struct {
	http.ResponseWriter
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.body.Write(p)
	return a.ResponseWriter.Write(p)
}

// Unwrap lets a simulator take the connection, to reset it.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
