package chaos

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Write is the circuit's record as one committed write has left it, told by
// the store, not by the writer.
type Write struct {
	At         time.Time // when the store had answered
	Generation int64
	Epoch      int64
	Writer     string
	State      breaker.State
	Failures   []breaker.FailureID
	Successes  int
	ProbeOwner string
	ProbeUntil time.Time // by the prober's clock
	RetryAt    time.Time // by the clock of who opened it
	Reason     string
}

// history keeps every write of the circuit's record. Several proxies tell it.
type history struct {
	mu     sync.Mutex
	writes []Write
	err    error // an answer that could not be understood
}

// answered notes an answer of the store, whether or not a client gets it.
func (h *history) answered(x storeproxy.Exchange) {
	if x.Operation != "UpdateItem" || x.Status != 200 {
		return
	}
	w, ok, err := decode(x)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil:
		h.err = err
	case ok:
		h.writes = append(h.writes, w)
	}
}

// all returns the writes in the order of their generations, and of their answers
// within one.
func (h *history) all() ([]Write, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	writes := slices.Clone(h.writes)
	slices.SortStableFunc(writes, func(a, b Write) int { return int(a.Generation - b.Generation) })
	return writes, h.err
}

// last is the newest write, or the missing item.
func (h *history) last() Write {
	h.mu.Lock()
	defer h.mu.Unlock()
	newest := Write{State: breaker.Closed}
	for _, w := range h.writes {
		if w.Generation >= newest.Generation {
			newest = w
		}
	}
	return newest
}

// attribute is a DynamoDB value as JSON has it.
type attribute struct {
	S  string
	N  string
	SS []string
}

// decode reads an answer to UpdateItem. Other entries than the circuit's state,
// such as its past transitions, are not ok.
func decode(x storeproxy.Exchange) (w Write, ok bool, err error) {
	var answer struct{ Attributes map[string]attribute }
	if err := json.Unmarshal(x.Answer, &answer); err != nil {
		return Write{}, false, fmt.Errorf("answer of the store: %w", err)
	}
	item := answer.Attributes
	if item["entry"].S != "state" {
		return Write{}, false, nil
	}
	number := func(name string) int64 {
		text := item[name].N
		if text == "" {
			return 0
		}
		n, parseErr := strconv.ParseInt(text, 10, 64)
		if parseErr != nil {
			err = fmt.Errorf("answer of the store: %s: %w", name, parseErr)
		}
		return n
	}
	instant := func(name string) time.Time {
		if n := number(name); n != 0 {
			return time.UnixMilli(n)
		}
		return time.Time{}
	}
	w = Write{
		At: x.At, Generation: number("generation"), Epoch: number("epoch"), Writer: item["writer"].S,
		State: breaker.State(item["state"].S), Successes: int(number("successes")), ProbeOwner: item["probe_owner"].S,
		ProbeUntil: instant("probe_until"), RetryAt: instant("retry_at"), Reason: item["reason"].S,
	}
	for _, id := range item["failures"].SS {
		w.Failures = append(w.Failures, breaker.FailureID(id))
	}
	return w, true, err
}

// by reports whether an environment made the write.
func (w Write) by(environment string) bool { return strings.HasPrefix(w.Writer, environment+"#") }
