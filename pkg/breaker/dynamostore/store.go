// Package dynamostore keeps circuits in an Amazon DynamoDB table. Each circuit is
// one item, with partition key "circuit" (S) and sort key "entry" (S, "state").
// Each entry of its history is another, with sort key "transition#", the time in
// Unix ms, "#" and the generation: an item that was deleted by hand begins with
// generation 1 again. The table's TTL on "expires_at" removes the entries.
//
// Every write of a circuit is one UpdateItem with the condition that
// breaker.Store requires. If the condition fails, DynamoDB returns the item
// without the cost of a read. The function needs permission for GetItem and
// UpdateItem, for PutItem to write the history, and for Query to read it.
package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Store is a breaker.Store on one table. It is safe for concurrent use, and one
// Store serves any number of circuits.
//
// An operation ends with its context. It also fails once it has waited for
// replies for a third of the time that the context allowed; dialling does not
// count. With the breaker's default of 300 ms, a table that does not reply costs
// 100 ms, and dialling may take 200 ms more. A failed attempt is repeated once,
// without a pause, within the same limits.
type Store struct {
	client *dynamodb.Client
	table  string
	schema int // breaker.Schema, or in tests the next
}

// New returns the Store on a table, which must exist. See NewClient.
func New(client *dynamodb.Client, table string) *Store {
	return &Store{client: client, table: table, schema: breaker.Schema}
}

var _ breaker.Store = (*Store)(nil)

// Load reads a circuit.
func (s *Store) Load(ctx context.Context, circuit string, consistent bool) (breaker.Record, error) {
	ctx, cancel := limitReply(ctx)
	defer cancel()
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: key(circuit), ConsistentRead: &consistent,
	})
	if err != nil {
		return breaker.Record{}, fmt.Errorf("read circuit %q: %w", circuit, cause(ctx, err))
	}
	return decode(out.Item, s.schema)
}

// AppendFailure adds one failure. In its condition, the first alternative is for a
// circuit that has just closed, whose set is absent: size(failures) would be
// undefined. The last lets a repeated write hold on a full set.
func (s *Store) AppendFailure(ctx context.Context, circuit string, f breaker.Failure) (breaker.Record, bool, error) {
	condition := "#state = :closed AND epoch = :epoch AND " +
		"(attribute_not_exists(failures) OR size(failures) < :cap OR contains(failures, :id))"
	if f.Epoch == 0 {
		condition = "attribute_not_exists(entry) OR (" + condition + ")"
	}
	in := &dynamodb.UpdateItemInput{
		ConditionExpression:      &condition,
		ExpressionAttributeNames: map[string]string{"#state": "state", "#schema": "schema"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":closed": text(string(breaker.Closed)), ":epoch": number(f.Epoch), ":cap": number(int64(f.Cap)), ":id": text(string(f.ID)),
			":ids": set(f.ID), ":schema": number(int64(s.schema)), ":zero": number(0), ":writer": text(f.New), ":at": number(f.At),
		},
	}
	adds := append([]string{"failures :ids"}, addCounts(in, f.More)...)
	in.UpdateExpression = ptr("ADD " + strings.Join(adds, ", ") + " SET #schema = if_not_exists(#schema, :schema), #state = if_not_exists(#state, :closed), " +
		"generation = if_not_exists(generation, :zero), epoch = if_not_exists(epoch, :zero), writer = if_not_exists(writer, :writer), last_failure_at = :at")
	return s.update(ctx, circuit, in)
}

// PruneFailures removes the given failures and no others: writing the whole set
// would lose failures added in the meantime.
func (s *Store) PruneFailures(ctx context.Context, circuit string, epoch int64, ids []breaker.FailureID) (breaker.Record, bool, error) {
	if len(ids) == 0 { // DynamoDB has no empty sets
		r, err := s.Load(ctx, circuit, true)
		return r, err == nil && r.Exists() && r.State == breaker.Closed && r.Epoch == epoch, err
	}
	return s.update(ctx, circuit, &dynamodb.UpdateItemInput{
		ConditionExpression:      ptr("#state = :closed AND epoch = :epoch"),
		UpdateExpression:         ptr("DELETE failures :ids"),
		ExpressionAttributeNames: map[string]string{"#state": "state"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":closed": text(string(breaker.Closed)), ":epoch": number(epoch), ":ids": set(ids...),
		},
	})
}

// Change moves the circuit to another generation.
func (s *Store) Change(ctx context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	in := changed(c, s.schema)
	r, held, err := s.update(ctx, circuit, in)
	// The condition failed because of this very write: its reply was lost and it
	// was sent again.
	return r, held || err == nil && r.Exists() && r.Writer == c.To.Writer, err
}

// update sends a write. A failed condition without the item means that the item
// is missing, or that what answers does not know that it is asked for it, as some
// proxies do. A read tells which. If there is an item after all, the write is sent
// again, because the item may be newer than the failed condition.
func (s *Store) update(ctx context.Context, circuit string, in *dynamodb.UpdateItemInput) (breaker.Record, bool, error) {
	r, held, err := s.send(ctx, circuit, in)
	if held || err != nil || r.Exists() {
		return r, held, err
	}
	now, err := s.Load(ctx, circuit, true)
	if err != nil || !now.Exists() {
		return now, false, err
	}
	if r, held, err = s.send(ctx, circuit, in); held || err != nil || r.Exists() {
		return r, held, err
	}
	return now, false, nil
}

func (s *Store) send(ctx context.Context, circuit string, in *dynamodb.UpdateItemInput) (breaker.Record, bool, error) {
	ctx, cancel := limitReply(ctx)
	defer cancel()
	in.TableName, in.Key = &s.table, key(circuit)
	in.ReturnValues = types.ReturnValueAllNew
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	out, err := s.client.UpdateItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		r, err := decode(failed.Item, s.schema)
		return r, false, err
	case err != nil:
		return breaker.Record{}, false, fmt.Errorf("write circuit %q: %w", circuit, cause(ctx, err))
	}
	r, err := decode(out.Attributes, s.schema)
	return r, err == nil, err
}

func key(circuit string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"circuit": text(circuit), "entry": text("state")}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func set(ids ...breaker.FailureID) types.AttributeValue {
	v := make([]string, len(ids))
	for i, id := range ids {
		v[i] = string(id)
	}
	return &types.AttributeValueMemberSS{Value: v}
}

func ptr[T any](v T) *T { return &v }
