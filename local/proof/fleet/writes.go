package fleet

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// Write is the circuit's record after one committed write, taken from the
// store's answer, not from its writer's report.
type Write struct {
	At time.Time // of the store's answer
	breaker.Record
}

// history keeps every write of the circuit's record. Several proxies report to it.
type history struct {
	mu     sync.Mutex
	writes []Write
	err    error // an answer that could not be decoded
}

// answered records an answer of the store, even if its client never gets it.
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

// last returns the newest write, or the missing item's record.
func (h *history) last() Write {
	h.mu.Lock()
	defer h.mu.Unlock()
	newest := Write{Record: breaker.Record{State: breaker.Closed}}
	for _, w := range h.writes {
		if w.Generation >= newest.Generation {
			newest = w
		}
	}
	return newest
}

// decode returns the write that an answer to UpdateItem shows. It returns false
// for other entries than the circuit's state, such as its past transitions.
func decode(x storeproxy.Exchange) (w Write, ok bool, err error) {
	var answer struct {
		Attributes map[string]struct {
			S, N *string
			SS   []string
		}
	}
	if err := json.Unmarshal(x.Answer, &answer); err != nil {
		return Write{}, false, fmt.Errorf("answer of the store: %w", err)
	}
	item := make(map[string]types.AttributeValue, len(answer.Attributes))
	for name, a := range answer.Attributes {
		switch {
		case a.S != nil:
			item[name] = &types.AttributeValueMemberS{Value: *a.S}
		case a.N != nil:
			item[name] = &types.AttributeValueMemberN{Value: *a.N}
		default:
			item[name] = &types.AttributeValueMemberSS{Value: a.SS}
		}
	}
	if entry, _ := item["entry"].(*types.AttributeValueMemberS); entry == nil || entry.Value != "state" {
		return Write{}, false, nil
	}
	record, err := dynamostore.DecodeRecord(item)
	if err != nil {
		return Write{}, false, fmt.Errorf("answer of the store: %w", err)
	}
	return Write{At: x.At, Record: record}, true, nil
}

// By reports whether an environment made the write.
func (w Write) By(environment string) bool { return strings.HasPrefix(w.Writer, environment+"#") }
