package dynamostore_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"reflect"
	"testing"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// A write whose reply was lost after the table had committed it is sent again,
// and the second reply is what the first was.
func TestLostReplyIsMadeGood(t *testing.T) {
	_, table := server.Table(t)
	loser := &replyLoser{}
	s := dynamostore.New(dynamostore.NewClient(server.Getenv, loser), table)
	ctx := context.Background()
	failure := breaker.Failure{ID: "1#e#1", Cap: 1, At: 7, New: "w0"}
	created := breaker.Record{State: breaker.Closed, Writer: "w0", Failures: []breaker.FailureID{"1#e#1"}, LastFailureAt: 7}
	pruned := breaker.Record{State: breaker.Closed, Writer: "w0", LastFailureAt: 7}
	opened := breaker.Record{State: breaker.Open, Writer: "w1", Generation: 1, Epoch: 1, LastFailureAt: 7, OpenedAt: 8}
	for _, c := range []struct {
		rule  string
		write func() (breaker.Record, bool, error)
		want  breaker.Record
	}{
		{"a failure that filled the set holds", func() (breaker.Record, bool, error) { return s.AppendFailure(ctx, "jira_api", failure) }, created},
		{"pruning holds", func() (breaker.Record, bool, error) { return s.PruneFailures(ctx, "jira_api", 0, created.Failures) }, pruned},
		{"a change holds", func() (breaker.Record, bool, error) {
			return s.Change(ctx, "jira_api", breaker.Change{From: pruned, To: opened})
		}, opened},
	} {
		loser.armed = true
		got, held, err := c.write()
		if err != nil || !held || loser.armed || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, held %v, %v", c.rule, got, held, err)
		}
	}
}

// replyLoser loses the next reply.
type replyLoser struct{ armed bool }

func (l *replyLoser) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && l.armed {
		l.armed = false
		res.Body.Close()
		return nil, &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	}
	return res, err
}
