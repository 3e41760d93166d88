package apicheck

import (
	"bytes"
	"io"
	"net/http"
)

// Wrap serves by next and reports what Check finds, one error for each answer
// at most. Report may be called by several goroutines at once.
func (c *Checker) Wrap(next http.Handler, report func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent bytes.Buffer
		seen := r.Clone(r.Context()) // next may change what it is given
		r.Body = body{io.TeeReader(r.Body, &sent), r.Body}
		answer := &witness{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		answer.WriteHeader(http.StatusOK)
		seen.Body = io.NopCloser(&sent)
		if err := c.Check(seen, Answer{answer.status, answer.header, answer.body.Bytes()}); err != nil {
			report(err)
		}
	})
}

type body struct {
	io.Reader
	io.Closer
}

// witness keeps a copy of what passes.
type witness struct {
	http.ResponseWriter
	status int
	header http.Header // as it was when the status was written
	body   bytes.Buffer
}

func (w *witness) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.header = status, w.Header().Clone()
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *witness) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body.Write(p)
	return w.ResponseWriter.Write(p)
}
