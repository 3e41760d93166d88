package dynamostore

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// attribute is one attribute of an item that stores an R. A zero value is stored
// as an absent attribute, unless the attribute is required.
type attribute[R any] struct {
	name string
	get  func(*R) types.AttributeValue // nil: absent
	set  func(*R, types.AttributeValue) bool

	required bool // present in every item, even if zero
}

// attributes are those of a record, except for failures, which has its own
// operations.
var attributes = []attribute[breaker.Record]{
	required(numeric("generation", func(r *breaker.Record) *int64 { return &r.Generation })),
	required(numeric("epoch", func(r *breaker.Record) *int64 { return &r.Epoch })),
	textual("writer", func(r *breaker.Record) *string { return &r.Writer }),
	textual("state", func(r *breaker.Record) *breaker.State { return &r.State }),
	numeric("last_failure_at", func(r *breaker.Record) *int64 { return &r.LastFailureAt }),
	numeric("opened_at", func(r *breaker.Record) *int64 { return &r.OpenedAt }),
	numeric("retry_at", func(r *breaker.Record) *int64 { return &r.RetryAt }),
	textual("reason", func(r *breaker.Record) *string { return &r.Reason }),
	numeric("tripped_by", func(r *breaker.Record) *int { return &r.TrippedBy }),
	numeric("first_opened_at", func(r *breaker.Record) *int64 { return &r.FirstOpenedAt }),
	numeric("consecutive_opens", func(r *breaker.Record) *int { return &r.ConsecutiveOpens }),
	numeric("successes", func(r *breaker.Record) *int { return &r.Successes }),
	textual("probe_owner", func(r *breaker.Record) *string { return &r.ProbeOwner }),
	numeric("probe_failures", func(r *breaker.Record) *int { return &r.ProbeFailures }),
	numeric("closed_at", func(r *breaker.Record) *int64 { return &r.ClosedAt }),
	lenient(numeric("traffic", func(r *breaker.Record) *int64 { return &r.Traffic })),
	numeric("tripped_calls", func(r *breaker.Record) *int { return &r.TrippedCalls }),
	numeric("probe_limit", func(r *breaker.Record) *int64 { return &r.ProbeLimit }),
	numeric("probe_lease", func(r *breaker.Record) *int64 { return &r.ProbeLease }),
	numeric("probe_until", func(r *breaker.Record) *int64 { return &r.ProbeUntil }),
	textual("override_mode", func(r *breaker.Record) *breaker.OverrideMode { return &r.OverrideMode }),
	textual("override_by", func(r *breaker.Record) *string { return &r.OverrideBy }),
	textual("override_why", func(r *breaker.Record) *string { return &r.OverrideWhy }),
	numeric("override_until", func(r *breaker.Record) *int64 { return &r.OverrideUntil }),
}

func numeric[R any, T int | int64](name string, field func(*R) *T) attribute[R] {
	return attribute[R]{
		name: name,
		get: func(r *R) types.AttributeValue {
			if *field(r) == 0 {
				return nil
			}
			return number(int64(*field(r)))
		},
		set: func(r *R, v types.AttributeValue) bool {
			n, ok := v.(*types.AttributeValueMemberN)
			if !ok {
				return false
			}
			value, err := strconv.ParseInt(n.Value, 10, 64)
			*field(r) = T(value)
			return err == nil && value >= 0 && int64(T(value)) == value
		},
	}
}

func textual[R any, T ~string](name string, field func(*R) *T) attribute[R] {
	return attribute[R]{
		name: name,
		get: func(r *R) types.AttributeValue {
			if *field(r) == "" {
				return nil
			}
			return text(string(*field(r)))
		},
		set: func(r *R, v types.AttributeValue) bool {
			s, ok := v.(*types.AttributeValueMemberS)
			if ok {
				*field(r) = T(s.Value)
			}
			return ok
		},
	}
}

// lenient returns the attribute a as one that is zero if it is malformed, because
// nothing exact depends on it.
func lenient(a attribute[breaker.Record]) attribute[breaker.Record] {
	set := a.set
	a.set = func(r *breaker.Record, v types.AttributeValue) bool {
		if kept := *r; !set(r, v) {
			*r = kept
		}
		return true
	}
	return a
}

// required returns the attribute a as one that is stored even if it is zero,
// because conditions compare it.
func required[R any](a attribute[R]) attribute[R] {
	get := a.get
	a.required = true
	a.get = func(r *R) types.AttributeValue {
		if v := get(r); v != nil {
			return v
		}
		return number(0)
	}
	return a
}

// DecodeRecord returns the record in a circuit's item, as Load does, for programs
// that have the item from elsewhere, such as a stream or a backup of the table.
// An empty item is a closed circuit.
func DecodeRecord(item map[string]types.AttributeValue) (breaker.Record, error) {
	return decode(item, breaker.Schema)
}

// decode returns the record in an item whose schema is the given one, the next or
// the one before. It returns an error for anything it does not understand: a
// guess could close an open circuit. It ignores attributes with unknown names,
// because later versions add some; writes leave them as they are.
func decode(item map[string]types.AttributeValue, schema int) (breaker.Record, error) {
	if len(item) == 0 {
		return breaker.Record{State: breaker.Closed}, nil
	}
	var r breaker.Record
	if !readable(item["schema"], schema) {
		return breaker.Record{}, fmt.Errorf("circuit item: schema is not %d, the next or the one before", schema)
	}
	if err := decodeAttributes(&r, item, attributes); err != nil {
		return breaker.Record{}, err
	}
	if v, present := item["failures"]; present {
		ids, ok := v.(*types.AttributeValueMemberSS)
		if !ok {
			return breaker.Record{}, errors.New("circuit item: attribute failures is malformed")
		}
		// A set has no order. Sorted, equal sets are equal records.
		for _, id := range slices.Sorted(slices.Values(ids.Value)) {
			r.Failures = append(r.Failures, breaker.FailureID(id))
		}
	}
	r.Counts = decodeCounts(item)
	switch {
	case !known(r.State):
		return breaker.Record{}, errors.New("circuit item: state is unknown")
	case !r.Exists():
		return breaker.Record{}, errors.New("circuit item: writer is missing")
	case r.OverrideMode != "" && !r.OverrideMode.Known():
		return breaker.Record{}, errors.New("circuit item: override_mode is unknown")
	}
	return r, nil
}

func known(s breaker.State) bool {
	return s == breaker.Closed || s == breaker.Open || s == breaker.HalfOpen
}

// readable reports whether an item's schema is the given one, the next or the one
// before.
func readable(found types.AttributeValue, schema int) bool {
	n, ok := found.(*types.AttributeValueMemberN)
	if !ok {
		return false
	}
	v, err := strconv.Atoi(n.Value)
	return err == nil && v >= 1 && v >= schema-1 && v <= schema+1
}

func decodeAttributes[R any](r *R, item map[string]types.AttributeValue, attributes []attribute[R]) error {
	for _, a := range attributes {
		v, present := item[a.name]
		if present && !a.set(r, v) || !present && a.required {
			return fmt.Errorf("item: attribute %s is missing or malformed", a.name)
		}
	}
	return nil
}
