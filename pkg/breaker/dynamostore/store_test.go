package dynamostore_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
	"github.com/coldfuse/coldfuse/pkg/breaker/storetest"
)

var server *dynamolocal.Server

func TestMain(m *testing.M) { os.Exit(dynamolocal.Main(m, &server)) }

func TestContract(t *testing.T) {
	client, table := server.Table(t)
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

// A missing table is not an empty one, in which every circuit would be closed.
func TestMissingTableIsAnError(t *testing.T) {
	client, _ := server.Table(t)
	if r, err := dynamostore.New(client, "no-such-table").Load(context.Background(), "jira_api", true); err == nil {
		t.Errorf("got %+v", r)
	}
}

// All reads of DynamoDB Local are consistent, so the test looks at the request.
func TestLoadRequestsTheConsistencyItIsGiven(t *testing.T) {
	last := &lastRequest{}
	s := dynamostore.New(dynamostore.NewClient(server.Getenv, last), "circuits")
	for _, consistent := range []bool{true, false} {
		if _, err := s.Load(context.Background(), "jira_api", consistent); err != nil {
			t.Fatal(err)
		}
		if last.ConsistentRead != consistent {
			t.Errorf("consistent %v is sent as %v", consistent, last.ConsistentRead)
		}
	}
}

// lastRequest keeps the last request and answers it with a missing item.
type lastRequest struct{ ConsistentRead bool }

func (a *lastRequest) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: r},
		json.NewDecoder(r.Body).Decode(a)
}
