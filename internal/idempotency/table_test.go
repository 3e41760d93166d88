package idempotency

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

var server *dynamolocal.Server

func TestMain(m *testing.M) { os.Exit(dynamolocal.Main(m, &server)) }

// newTable makes a table as template.yaml has it, reached through transport.
func newTable(t *testing.T, transport http.RoundTripper) *Table {
	t.Helper()
	_, name := server.TableOf(t, "id")
	return NewTable(dynamostore.NewClient(server.Getenv, transport), name)
}

// network loses requests or replies on the way.
type network struct {
	loseReplies, loseRequests atomic.Int32 // how many more
	hangs                     atomic.Int32
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.hangs.Add(-1) >= 0 {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	lost := &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	if n.loseRequests.Add(-1) >= 0 {
		return nil, lost
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && n.loseReplies.Add(-1) >= 0 {
		res.Body.Close()
		return nil, lost
	}
	return res, err
}

var full = Record{State: InProgress, Payload: "p", Version: 1, Writer: "o", LeaseUntil: 2, SentUntil: 3, BornAt: 4, Unlabelled: true,
	ExpiresAt: 5, Attempts: 6, IssueID: "7", IssueKey: "OPS-7"}

func TestTableKeepsEveryField(t *testing.T) {
	table, id := newTable(t, nil), Hash([]byte("x"))
	if r, err := table.Load(t.Context(), id); err != nil || r != (Record{}) {
		t.Fatal(r, err)
	}
	if _, held, err := table.Change(t.Context(), id, Record{}, full); err != nil || !held {
		t.Fatal(held, err)
	}
	if r, err := table.Load(t.Context(), id); err != nil || r != full {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestTableChangesOnlyTheExpectedRecord(t *testing.T) {
	table, id := newTable(t, nil), Hash([]byte("x"))
	second := full
	second.Version, second.State = 2, Completed
	stranger := full
	stranger.Writer = "stranger"
	for _, c := range []struct {
		rule     string
		from, to Record
		held     bool
		now      Record
	}{
		{"the first write is taken", Record{}, full, true, full},
		{"another first write conflicts", Record{}, stranger, false, full},
		{"the same write again is one's own", Record{}, full, true, full},
		{"a write from another writer's record conflicts", stranger, second, false, full},
		{"a write from the record is taken", full, second, true, second},
		{"a write from what was before conflicts", full, Record{State: Unknown, Version: 2, Writer: "x"}, false, second},
	} {
		now, held, err := table.Change(t.Context(), id, c.from, c.to)
		if err != nil || held != c.held || now != c.now {
			t.Errorf("%s: %v %+v, %v", c.rule, held, now, err)
		}
	}
}

func TestTableIsWrittenOnceIfAReplyIsLost(t *testing.T) {
	lossy := &network{}
	table, id := newTable(t, lossy), Hash([]byte("x"))
	lossy.loseReplies.Store(1)
	if now, held, err := table.Change(t.Context(), id, Record{}, full); err != nil || !held || now != full {
		t.Errorf("%v %+v, %v", held, now, err)
	}
}

func TestATableThatHangsIsAbandoned(t *testing.T) {
	lossy := &network{}
	table, id := newTable(t, lossy), Hash([]byte("x"))
	lossy.hangs.Store(1)
	if _, held, err := table.Change(t.Context(), id, Record{}, full); err != nil || !held {
		t.Errorf("a connection that died is made good: %v, %v", held, err)
	}
	lossy.hangs.Store(1 << 20)
	began := time.Now()
	if _, err := table.Load(t.Context(), id); err == nil || time.Since(began) > 2*attemptTimeout+time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestAnUnknownItemIsAnError(t *testing.T) {
	for rule, spoil := range map[string]func(item){
		"another schema":          func(i item) { i["schema"] = number(2) },
		"no state":                func(i item) { delete(i, "state") },
		"an unknown state":        func(i item) { i["state"] = text("done") },
		"a time that is text":     func(i item) { i["lease_until"] = text("1") },
		"a time before all times": func(i item) { i["sent_until"] = number(-1) },
		"a flag that is a number": func(i item) { i["unlabelled"] = number(1) },
	} {
		i := encode(Hash(nil), full)
		spoil(i)
		if r, err := decode(i); err == nil {
			t.Errorf("%s: %+v", rule, r)
		}
	}
}

func TestOneOfFiftyTakesTheLease(t *testing.T) {
	table := newTable(t, nil)
	var sends, waits atomic.Int32
	var calls sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	for range 50 {
		calls.Go(func() {
			claim, err := New(Config{Store: table}).Claim(ctx, Key{Operation: "op", Value: "k", Payload: "p"})
			var busy *InProgressError
			switch {
			case errors.As(err, &busy):
				waits.Add(1)
			case err != nil:
				t.Error(err)
			case claim.Step() == Send:
				sends.Add(1)
			default:
				t.Errorf("step %d", claim.Step())
			}
		})
	}
	calls.Wait()
	if sends.Load() != 1 || waits.Load() != 49 {
		t.Errorf("%d may send, %d are told to come back", sends.Load(), waits.Load())
	}
}
