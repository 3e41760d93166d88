package dynamostore_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/coldfuse/coldfuse/internal/dynamolocal"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
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

func TestSmoke(t *testing.T) {
	client, table := newTable(t)
	s := dynamostore.New(client, table)
	b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "jira_api"}, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_ = b.Do(context.Background(), func(context.Context, *breaker.Permit) error { return fmt.Errorf("down") })
	}
	st, err := b.Stats(context.Background())
	if err != nil || st.State != breaker.Open {
		t.Fatal(st, err)
	}
	t.Log(st)
}
