package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// entry is a breaker.Transition as stored in its item. Times are Unix ms.
type entry struct {
	generation    int64
	from, to      breaker.State
	reason        string
	at, retryAt   int64
	opens         int
	failures      int
	calls         int
	mode          breaker.OverrideMode
	by, why       string
	until         int64
	cleared       int // 1: the override was cleared
	clearedBy     string
	expiresAt     int64 // Unix seconds: the table's TTL
	circuit, sort string
}

var entryAttributes = []attribute[entry]{
	textual("circuit", func(e *entry) *string { return &e.circuit }),
	textual("entry", func(e *entry) *string { return &e.sort }),
	required(numeric("generation", func(e *entry) *int64 { return &e.generation })),
	textual("from", func(e *entry) *breaker.State { return &e.from }),
	textual("to", func(e *entry) *breaker.State { return &e.to }),
	textual("reason", func(e *entry) *string { return &e.reason }),
	required(numeric("at", func(e *entry) *int64 { return &e.at })),
	numeric("retry_at", func(e *entry) *int64 { return &e.retryAt }),
	numeric("opens", func(e *entry) *int { return &e.opens }),
	numeric("failures", func(e *entry) *int { return &e.failures }),
	numeric("calls", func(e *entry) *int { return &e.calls }),
	textual("override_mode", func(e *entry) *breaker.OverrideMode { return &e.mode }),
	textual("override_by", func(e *entry) *string { return &e.by }),
	textual("override_why", func(e *entry) *string { return &e.why }),
	numeric("override_until", func(e *entry) *int64 { return &e.until }),
	numeric("cleared", func(e *entry) *int { return &e.cleared }),
	textual("cleared_by", func(e *entry) *string { return &e.clearedBy }),
	numeric("expires_at", func(e *entry) *int64 { return &e.expiresAt }),
}

// PutTransition adds an entry to the circuit's history, which the table keeps for
// breaker.HistoryAge.
func (s *Store) PutTransition(ctx context.Context, circuit string, t breaker.Transition) error {
	ctx, cancel := limitReply(ctx)
	defer cancel()
	if _, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: encodeEntry(circuit, t)}); err != nil {
		return fmt.Errorf("write history of circuit %q: %w", circuit, cause(ctx, err))
	}
	return nil
}

func encodeEntry(circuit string, t breaker.Transition) map[string]types.AttributeValue {
	e := entry{
		generation: t.Generation, from: t.From, to: t.To, reason: t.Reason, at: fromTime(t.At), retryAt: fromTime(t.RetryAt),
		opens: t.Opens, failures: t.Failures, calls: t.Calls, expiresAt: t.At.Add(breaker.HistoryAge).Unix(),
		circuit: circuit, sort: historyKey(t),
	}
	if o := t.Override; o != nil {
		e.mode, e.by, e.why, e.until = o.Mode, o.By, o.Why, fromTime(o.Until)
	}
	if t.Cleared {
		e.cleared, e.clearedBy = 1, t.ClearedBy
	}
	item := map[string]types.AttributeValue{}
	for _, a := range entryAttributes {
		if v := a.get(&e); v != nil {
			item[a.name] = v
		}
	}
	return item
}

const historyPrefix = "transition#"

// historyKey returns the sort key of an entry. Earlier versions wrote the
// generation alone, in 19 digits that begin with 0: those sort as older. Times have
// 13 digits until the year 2286.
func historyKey(t breaker.Transition) string {
	return fmt.Sprintf("%s%013d#%019d", historyPrefix, fromTime(t.At), t.Generation)
}

// Transitions returns the newest entries of the circuit's history. Expired entries
// are among them until the table has removed them. Entries that cannot be
// understood are left out, with an error that wraps breaker.ErrUnreadable.
func (s *Store) Transitions(ctx context.Context, circuit string, limit int) ([]breaker.Transition, error) {
	ctx, cancel := limitReply(ctx)
	defer cancel()
	out, err := s.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, Limit: ptr(int32(limit)), ScanIndexForward: ptr(false), ConsistentRead: ptr(true),
		KeyConditionExpression: ptr("circuit = :circuit AND begins_with(entry, :prefix)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":circuit": text(circuit), ":prefix": text(historyPrefix),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("read history of circuit %q: %w", circuit, cause(ctx, err))
	}
	list, err := decodeEntries(out.Items)
	if err != nil {
		err = fmt.Errorf("read history of circuit %q: %w", circuit, err)
	}
	return list, err
}

// decodeEntries returns the entries that it understands. Others must not hide
// them: they are left out, and the error states their number.
func decodeEntries(items []map[string]types.AttributeValue) ([]breaker.Transition, error) {
	list := make([]breaker.Transition, 0, len(items))
	var last error
	for _, item := range items {
		t, err := decodeEntry(item)
		if err != nil {
			last = err
			continue
		}
		list = append(list, t)
	}
	if last == nil {
		return list, nil
	}
	return list, fmt.Errorf("%d of %d %w: %w", len(items)-len(list), len(items), breaker.ErrUnreadable, last)
}

// decodeEntry is as strict as decode: a guess could show an outage that never
// was.
func decodeEntry(item map[string]types.AttributeValue) (breaker.Transition, error) {
	var e entry
	if err := decodeAttributes(&e, item, entryAttributes); err != nil {
		return breaker.Transition{}, err
	}
	switch {
	case e.circuit == "":
		return breaker.Transition{}, errors.New("history entry: circuit is missing")
	case !known(e.from) || !known(e.to):
		return breaker.Transition{}, errors.New("history entry: from or to is unknown")
	case e.at == 0:
		return breaker.Transition{}, errors.New("history entry: at is 0")
	case e.mode != "" && (!e.mode.Known() || e.until == 0):
		return breaker.Transition{}, errors.New("history entry: override_mode is unknown, or override_until is missing")
	case e.cleared > 1 || e.cleared == 1 && e.mode == "" || e.cleared == 0 && e.clearedBy != "":
		return breaker.Transition{}, errors.New("history entry: cleared is neither 0 nor 1, or does not go with the override or cleared_by")
	}
	return e.transition(), nil
}

func (e entry) transition() breaker.Transition {
	t := breaker.Transition{
		Circuit: e.circuit, From: e.from, To: e.to, Generation: e.generation, Reason: e.reason,
		At: toTime(e.at), RetryAt: toTime(e.retryAt), Opens: e.opens, Failures: e.failures, Calls: e.calls, Cleared: e.cleared == 1, ClearedBy: e.clearedBy,
	}
	if e.mode != "" {
		t.Override = &breaker.Override{Mode: e.mode, By: e.by, Why: e.why, Until: toTime(e.until)}
	}
	return t
}

func fromTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func toTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
