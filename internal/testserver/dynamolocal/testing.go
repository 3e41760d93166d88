package dynamolocal

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/coldfuse/coldfuse/internal/testserver/jvm"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// Main implements TestMain for a package whose tests need tables. It starts a
// server, runs the tests, ends the server, and returns the exit code.
func Main(m *testing.M, server **Server) int { return jvm.Main(m, Start, server) }

// Table creates a circuits' table that is deleted when the test ends, and returns
// a client and the table's name.
func (s *Server) Table(tb testing.TB) (*dynamodb.Client, string) {
	tb.Helper()
	return s.TableOf(tb, circuitKeys...)
}

// TableOf is like Table, with other keys: a partition key, and a sort key if there
// are two, all strings.
func (s *Server) TableOf(tb testing.TB, keys ...string) (*dynamodb.Client, string) {
	tb.Helper()
	client, table := dynamostore.NewClient(s.Getenv, nil), keys[0]+"-"+rand.Text()
	if err := createTable(context.Background(), client, table, keys...); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := deleteTable(context.Background(), client, table); err != nil {
			tb.Error(err)
		}
	})
	return client, table
}
