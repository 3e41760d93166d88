package dynamolocal

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// CreateTable creates a circuits' table, with the keys of template.yaml.
func CreateTable(ctx context.Context, client *dynamodb.Client, name string) error {
	return createTable(ctx, client, name, circuitKeys...)
}

var circuitKeys = []string{"circuit", "entry"}

// createTable creates a table with a partition key, and a sort key if there are
// two, all strings.
func createTable(ctx context.Context, client *dynamodb.Client, name string, keys ...string) error {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, role := range []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[:len(keys)] {
		addKey(in, keys[i], role)
	}
	if _, err := client.CreateTable(ctx, in); err != nil {
		return fmt.Errorf("create table %s: %w", name, err)
	}
	return dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, 30*time.Second)
}

func addKey(in *dynamodb.CreateTableInput, name string, kind types.KeyType) {
	in.AttributeDefinitions = append(in.AttributeDefinitions,
		types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS})
	in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &name, KeyType: kind})
}

func deleteTable(ctx context.Context, client *dynamodb.Client, name string) error {
	if _, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
		return fmt.Errorf("delete table %s: %w", name, err)
	}
	return nil
}

// warmUp makes the virtual machine compile the stores' operations: its first
// answers take longer than a breaker waits.
func warmUp(ctx context.Context, s *Server) error {
	const table, rounds = "warm-up", 30
	client := dynamostore.NewClient(s.Getenv, nil)
	if err := CreateTable(ctx, client, table); err != nil {
		return err
	}
	store := dynamostore.New(client, table)
	for i := range rounds {
		id := breaker.FailureID(fmt.Sprintf("1#warm#%x", i))
		if _, _, err := store.AppendFailure(ctx, table, breaker.Failure{ID: id, Cap: rounds, At: 1, New: "warm"}); err != nil {
			return err
		}
		if _, err := store.Load(ctx, table, i%2 == 0); err != nil {
			return err
		}
	}
	return deleteTable(ctx, client, table)
}
