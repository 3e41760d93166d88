package storeproxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Exchange is a request that the store has answered, even if the client does not
// get the answer.
type Exchange struct {
	Operation string // such as "UpdateItem"
	Status    int
	Answer    []byte
	At        time.Time // of the store's answer
}

// Observe sets a function that is called with each answer before the client gets
// it, concurrently. Call it before the first request.
func (p *Proxy) Observe(f func(Exchange)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.observe = f
}

func (p *Proxy) answered(r *http.Response) error {
	p.mu.Lock()
	observe := p.observe
	p.mu.Unlock()
	if observe == nil {
		return nil
	}
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("answer of the store: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	observe(Exchange{Operation: operation(r.Request), Status: r.StatusCode, Answer: body, At: at})
	return nil
}

func operation(r *http.Request) string {
	_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return name
}
