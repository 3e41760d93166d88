package dynamolocal

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/coldfuse/coldfuse/internal/testserver/jvm"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// Main is the TestMain of a package whose tests want tables. It starts one
// server for all of them, ends it after them, and returns the exit code.
func Main(m *testing.M, server **Server) int { return jvm.Main(m, Start, server) }

// Table makes a circuits' table of the test's own, gone when the test ends,
// and a client for it.
func (s *Server) Table(tb testing.TB) (*dynamodb.Client, string) {
	tb.Helper()
	return s.TableOf(tb, circuitKeys...)
}

// TableOf is Table with other keys: a partition key, and a sort key if there
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
