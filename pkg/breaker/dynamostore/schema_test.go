package dynamostore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// While a new version replaces an old one, both use one table. Each sees what the
// other counts, opens, probes and closes, whichever of them created the item.
func TestOldAndNewVersionShareOneCircuit(t *testing.T) {
	for name, schemas := range map[string][2]int{
		"the old creates the item": {breaker.Schema, breaker.Schema + 1},
		"the new creates the item": {breaker.Schema + 1, breaker.Schema},
	} {
		t.Run(name, func(t *testing.T) {
			clock := time.UnixMilli(1_800_000_000_000)
			client, table := server.Table(t)
			var versions [2]*breaker.Breaker
			for i, schema := range schemas {
				b, err := breaker.New(breaker.Config{
					Settings: breaker.Settings{Name: "jira_api", FailureThreshold: 4, StoreTimeout: 10 * time.Second, PrimeTimeout: 10 * time.Second},
					Store:    dynamostore.NewOfSchema(client, table, schema),
					Now:      func() time.Time { return clock },
				})
				if err != nil {
					t.Fatal(err)
				}
				versions[i] = b
			}
			result := func(i int, result error) error {
				clock = clock.Add(2 * time.Second) // any record is read again
				return versions[i%2].Do(context.Background(), func(context.Context, *breaker.Permit) error { return result })
			}
			for i := range 4 {
				if err := result(i, errDown); !errors.Is(err, errDown) {
					t.Fatal(err)
				}
				addUnknown(t, client, table) // by the new version, unknown to the old one
			}
			for i := range 2 {
				if err := result(i, nil); !errors.Is(err, breaker.ErrOpen) {
					t.Errorf("version %d does not see what both have opened: %v", i, err)
				}
			}
			clock = clock.Add(time.Minute)
			for i := range 2 {
				if err := result(i, nil); err != nil {
					t.Errorf("version %d does not probe: %v", i, err)
				}
			}
			for _, b := range versions {
				if s := statsOf(t, b); s.State != breaker.Closed {
					t.Errorf("got %+v", s)
				}
			}
			if _, kept := stateItem(t, client, table)["shade"].(*types.AttributeValueMemberS); !kept {
				t.Error("an attribute of the next schema was lost")
			}
		})
	}
}

// Each write keeps the attributes that the next schema adds.
func TestWritesKeepWhatTheyDoNotKnow(t *testing.T) {
	client, table := server.Table(t)
	ctx := context.Background()
	next := dynamostore.NewOfSchema(client, table, breaker.Schema+1)
	s := dynamostore.New(client, table)
	r, _, err := next.AppendFailure(ctx, "jira_api", breaker.Failure{ID: "1#e#1", Cap: 5, At: 1, New: "w0"})
	if err != nil {
		t.Fatal(err)
	}
	addUnknown(t, client, table)
	change := func(state breaker.State) func() (breaker.Record, bool, error) {
		return func() (breaker.Record, bool, error) {
			to := r
			to.Generation++
			to.Writer, to.State, to.Epoch, to.Failures = r.Writer+"+", state, to.Generation, nil
			return s.Change(ctx, "jira_api", breaker.Change{From: r, To: to})
		}
	}
	for _, write := range []func() (breaker.Record, bool, error){
		func() (breaker.Record, bool, error) {
			return s.AppendFailure(ctx, "jira_api", breaker.Failure{ID: "1#e#2", Cap: 5, At: 1, New: "w1"})
		},
		func() (breaker.Record, bool, error) {
			return s.PruneFailures(ctx, "jira_api", 0, []breaker.FailureID{"1#e#1"})
		},
		change(breaker.Open), change(breaker.HalfOpen), change(breaker.Closed),
	} {
		var held bool
		if r, held, err = write(); err != nil || !held {
			t.Fatalf("got %+v, held %v, %v", r, held, err)
		}
		item := stateItem(t, client, table)
		schema, _ := item["schema"].(*types.AttributeValueMemberN)
		unknown, _ := item["shade"].(*types.AttributeValueMemberS)
		if schema == nil || schema.Value != "2" || unknown == nil || unknown.Value != "x" {
			t.Errorf("%s: the item became %v", r.State, item)
		}
	}
}

// A schema that a version cannot know is an error for reads and for writes.
func TestSchemaBeyondTheNextIsAnError(t *testing.T) {
	client, table := server.Table(t)
	ctx := context.Background()
	f := breaker.Failure{ID: "1#e#1", Cap: 5, At: 1, New: "w0"}
	if _, _, err := dynamostore.NewOfSchema(client, table, breaker.Schema+2).AppendFailure(ctx, "jira_api", f); err != nil {
		t.Fatal(err)
	}
	s := dynamostore.New(client, table)
	if r, err := s.Load(ctx, "jira_api", true); err == nil {
		t.Errorf("read %+v", r)
	}
	if r, _, err := s.AppendFailure(ctx, "jira_api", f); err == nil {
		t.Errorf("wrote %+v", r)
	}
}

var (
	errDown  = errors.New("down")
	stateKey = map[string]types.AttributeValue{
		"circuit": &types.AttributeValueMemberS{Value: "jira_api"}, "entry": &types.AttributeValueMemberS{Value: "state"},
	}
)

func addUnknown(t *testing.T, client *dynamodb.Client, table string) {
	t.Helper()
	expression := "SET shade = :x"
	if _, err := client.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
		TableName: &table, Key: stateKey, UpdateExpression: &expression,
		ExpressionAttributeValues: map[string]types.AttributeValue{":x": &types.AttributeValueMemberS{Value: "x"}},
	}); err != nil {
		t.Fatal(err)
	}
}

func stateItem(t *testing.T, client *dynamodb.Client, table string) map[string]types.AttributeValue {
	t.Helper()
	out, err := client.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: &table, Key: stateKey})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}
