package idempotency

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Store keeps records. Implementations are safe for concurrent use.
type Store interface {
	// Load reads a record, seeing every write answered before.
	Load(ctx context.Context, id string) (Record, error)
	// Change replaces from by to if from is still stored, and reports whether it
	// was. now is the record as it is then stored. An error means that the outcome
	// is unknown.
	Change(ctx context.Context, id string, from, to Record) (now Record, held bool, err error)
}

// schema is the version of the items' shape.
const schema = "1"

// attemptTimeout bounds one attempt of an operation. There are two: the first may
// have met a connection that died while the environment was frozen.
const attemptTimeout = time.Second

// Table is a Store on a DynamoDB table with partition key "id" (S) and TTL on
// "expires_at" (N). It needs permission for dynamodb:GetItem and dynamodb:PutItem.
type Table struct {
	client *dynamodb.Client
	name   string
}

// NewTable returns the Store on a table, which must exist.
func NewTable(client *dynamodb.Client, name string) *Table { return &Table{client, name} }

// Load reads a record, strongly consistent.
func (t *Table) Load(ctx context.Context, id string) (Record, error) {
	out, err := twice(ctx, func(ctx context.Context) (*dynamodb.GetItemOutput, error) {
		consistent := true
		return t.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: item{"id": text(id)}, ConsistentRead: &consistent})
	})
	if err != nil {
		return Record{}, fmt.Errorf("read idempotency record: %w", err)
	}
	return decode(out.Item)
}

// Change writes the whole item, so no write is made without knowing all of it.
func (t *Table) Change(ctx context.Context, id string, from, to Record) (Record, bool, error) {
	in := &dynamodb.PutItemInput{
		TableName: &t.name, Item: encode(id, to),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	condition := "attribute_not_exists(id)"
	if from.Version > 0 {
		condition = "version = :version AND writer = :writer"
		in.ExpressionAttributeValues = item{":version": number(from.Version), ":writer": text(from.Writer)}
	}
	in.ConditionExpression = &condition
	_, err := twice(ctx, func(ctx context.Context) (*dynamodb.PutItemOutput, error) { return t.client.PutItem(ctx, in) })
	var conflict *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &conflict):
		now, err := decode(conflict.Item)
		return now, err == nil && now.SameWrite(to), err
	case err != nil:
		return Record{}, false, fmt.Errorf("write idempotency record: %w", err)
	}
	return to, true, nil
}

// twice repeats an operation that got no answer.
func twice[T any](ctx context.Context, operation func(context.Context) (T, error)) (T, error) {
	attempt := func() (T, error) {
		ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		return operation(ctx)
	}
	out, err := attempt()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return attempt()
	}
	return out, err
}

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func encode(id string, r Record) item {
	return item{
		"id": text(id), "schema": &types.AttributeValueMemberN{Value: schema},
		"state": text(string(r.State)), "payload": text(r.Payload), "label": text(label(id)),
		"version": number(r.Version), "writer": text(r.Writer), "lease_until": number(r.LeaseUntil), "sent_until": number(r.SentUntil),
		"born_at": number(r.BornAt), "unlabelled": &types.AttributeValueMemberBOOL{Value: r.Unlabelled},
		"expires_at": number(r.ExpiresAt), "attempts": number(int64(r.Attempts)),
		"issue_id": text(r.IssueID), "issue_key": text(r.IssueKey),
	}
}

// decode reads an item. Anything unknown in it is an error: a guess could create
// something twice.
func decode(i item) (Record, error) {
	if len(i) == 0 {
		return Record{}, nil
	}
	r := &reader{item: i}
	if r.number("schema") != 1 {
		return Record{}, errors.New("idempotency item: schema is not " + schema)
	}
	record := Record{
		State: State(r.text("state")), Payload: r.text("payload"), Version: r.number("version"), Writer: r.text("writer"),
		LeaseUntil: r.number("lease_until"), SentUntil: r.number("sent_until"), BornAt: r.number("born_at"),
		Unlabelled: r.flag("unlabelled"), ExpiresAt: r.number("expires_at"), Attempts: int(r.number("attempts")),
		IssueID: r.text("issue_id"), IssueKey: r.text("issue_key"),
	}
	switch record.State {
	case InProgress, Unknown, Released, Completed:
	default:
		r.wrong = "state"
	}
	if r.wrong != "" {
		return Record{}, errors.New("idempotency item: cannot read " + r.wrong)
	}
	return record, nil
}

// reader reads attributes and notes one that is missing or of another type.
type reader struct {
	item  item
	wrong string
}

func (r *reader) text(name string) string {
	v, ok := r.item[name].(*types.AttributeValueMemberS)
	if !ok {
		r.wrong = name
		return ""
	}
	return v.Value
}

func (r *reader) flag(name string) bool {
	v, ok := r.item[name].(*types.AttributeValueMemberBOOL)
	if !ok {
		r.wrong = name
		return false
	}
	return v.Value
}

func (r *reader) number(name string) int64 {
	v, ok := r.item[name].(*types.AttributeValueMemberN)
	if !ok {
		r.wrong = name
		return 0
	}
	n, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil || n < 0 {
		r.wrong = name
	}
	return n
}
