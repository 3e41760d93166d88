package dynamostore_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/internal/dynamolocal"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
	"github.com/coldfuse/coldfuse/pkg/breaker/storetest"
)

var server *dynamolocal.Server

func TestMain(m *testing.M) {
	s, err := dynamolocal.Start(context.Background(), os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server = s
	code := m.Run()
	s.Close()
	os.Exit(code)
}

// newTable makes a table of the test's own.
func newTable(t *testing.T) (*dynamodb.Client, string) {
	t.Helper()
	client := dynamostore.NewClient(server.Getenv, nil)
	table := "circuits-" + rand.Text()
	if err := dynamolocal.CreateTable(context.Background(), client, table); err != nil {
		t.Fatal(err)
	}
	return client, table
}

func TestContract(t *testing.T) {
	client, table := newTable(t)
	storetest.Run(t, func(*testing.T) storetest.Subject {
		return storetest.Subject{
			Store: dynamostore.New(client, table),
			Delete: func(ctx context.Context, circuit string) error {
				_, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &table, Key: map[string]types.AttributeValue{
					"circuit": &types.AttributeValueMemberS{Value: circuit}, "entry": &types.AttributeValueMemberS{Value: "state"},
				}})
				return err
			},
		}
	})
}
