package dynamolocal

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/coldfuse/coldfuse/internal/jvm"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// Main is the TestMain of a package whose tests want tables. It starts one
// server for all of them, ends it after them, and returns the exit code.
func Main(m *testing.M, server **Server) int { return jvm.Main(m, Start, server) }

// Table makes a circuits' table of the test's own, gone when the test ends,
// and a client for it.
func (s *Server) Table(tb testing.TB) (*dynamodb.Client, string) {
	tb.Helper()
	client, table := dynamostore.NewClient(s.Getenv, nil), "circuits-"+rand.Text()
	if err := CreateTable(context.Background(), client, table); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := deleteTable(context.Background(), client, table); err != nil {
			tb.Error(err)
		}
	})
	return client, table
}
