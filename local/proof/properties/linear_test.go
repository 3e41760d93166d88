package properties

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
	"github.com/coldfuse/coldfuse/pkg/breaker/storetest"
)

// How much is recorded, and how long the check of it may take.
const (
	rounds    = 10
	perClient = 40
	patience  = time.Minute
)

func TestDynamoDBIsLinearizable(t *testing.T) {
	wantLinearizable(t, "DynamoDB", func(t *testing.T) func(int) storetest.Subject {
		_, table := server.Table(t)
		transport := &http.Transport{MaxIdleConnsPerHost: clients}
		t.Cleanup(transport.CloseIdleConnections)
		return func(int) storetest.Subject {
			client := dynamostore.NewClient(server.Getenv, loser{transport})
			return storetest.Subject{Store: dynamostore.New(client, table), Delete: func(ctx context.Context, circuit string) error {
				_, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &table, Key: map[string]types.AttributeValue{
					"circuit": &types.AttributeValueMemberS{Value: circuit}, "entry": &types.AttributeValueMemberS{Value: "state"},
				}})
				return err
			}}
		}
	})
}

func TestMemoryIsLinearizable(t *testing.T) {
	wantLinearizable(t, "memory", func(*testing.T) func(int) storetest.Subject {
		s := forget(memstore.New())
		return func(int) storetest.Subject { return s }
	})
}

func wantLinearizable(t *testing.T, store string, subjects func(*testing.T) func(int) storetest.Subject) {
	operations, unknowns := 0, 0
	for seed := range uint64(rounds) {
		history := record(seed, perClient, subjects(t))
		operations, unknowns = operations+len(history), unknowns+unknown(history)
		began := time.Now()
		verdict, info := porcupine.CheckOperationsVerbose(sequential, history, patience)
		t.Logf("seed %d: %d operations, %d of unknown outcome, judged in %s", seed, len(history), unknown(history), time.Since(began).Round(time.Millisecond))
		if unknown(history) == 0 {
			t.Error("no reply was lost")
		}
		if verdict != porcupine.Ok {
			file := t.ArtifactDir() + "/history.html"
			t.Errorf("seed %d: %s; see %s (%v)", seed, verdict, file, porcupine.VisualizePath(sequential, info, file))
		}
	}
	figure("linearizability: "+store, "%d histories of %d clients, %d operations, %d of unknown outcome", rounds, clients, operations, unknowns)
}

// planted is a store with a bug: its operations differ from the methods of
// breaker.Record.
type planted struct {
	breaker.Store
	mu      sync.Mutex
	records map[string]breaker.Record
	first   map[string]breaker.Record // as of the first change
	serial  int
	bug     bug
}

// bug returns what an operation on a record stores and answers.
type bug func(s *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool)

func newPlanted(b bug) *planted {
	return &planted{records: make(map[string]breaker.Record), first: make(map[string]breaker.Record), bug: b}
}

func (s *planted) do(o operation) (breaker.Record, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, ok := s.records[o.circuit]
	if !ok {
		now = missing
	}
	s.serial++
	stored, answered, held := s.bug(s, o, now)
	s.records[o.circuit] = stored
	return answered, held, nil
}

func (s *planted) Load(_ context.Context, circuit string, _ bool) (breaker.Record, error) {
	r, _, err := s.do(operation{circuit: circuit, kind: loading})
	return r, err
}

func (s *planted) AppendFailure(_ context.Context, circuit string, f breaker.Failure) (breaker.Record, bool, error) {
	return s.do(operation{circuit: circuit, kind: appending, failure: f})
}

func (s *planted) PruneFailures(_ context.Context, circuit string, epoch int64, ids []breaker.FailureID) (breaker.Record, bool, error) {
	return s.do(operation{circuit: circuit, kind: pruning, epoch: epoch, ids: ids})
}

func (s *planted) Change(_ context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	return s.do(operation{circuit: circuit, kind: changing, change: c})
}

func (s *planted) Delete(circuit string) { _, _, _ = s.do(operation{circuit: circuit, kind: deleting}) }

// right is the operation without a bug.
func right(_ *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool) {
	after, held := o.apply(now)
	return after, after, held
}

// plantedBugs are named by what the store does wrong.
var plantedBugs = map[string]bug{
	"a change drops its condition": func(s *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool) {
		o.change.From.Generation, o.change.From.Writer = now.Generation, now.Writer
		return right(s, o, now)
	},
	"a change compares the generation but not the writer": func(s *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool) {
		if o.kind == changing && now.Exists() && o.change.From.Generation == now.Generation {
			o.change.From.Writer = now.Writer
		}
		return right(s, o, now)
	},
	"a change writes the whole record": func(s *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool) {
		after, held := o.apply(now)
		if o.kind == changing && held && after.State == breaker.Closed {
			after.Failures = o.change.From.Failures
		}
		return after, after, held
	},
	"an append is answered and not stored": func(s *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool) {
		after, held := o.apply(now)
		if o.kind == appending && s.serial%10 == 0 {
			return now, after, held
		}
		return after, after, held
	},
	"an append compares no epoch": func(s *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool) {
		o.failure.Epoch = now.Epoch
		return right(s, o, now)
	},
	"a full set takes one more": func(s *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool) {
		o.failure.Cap++
		return right(s, o, now)
	},
	"pruning rewrites the set": func(s *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool) {
		after, held := o.apply(now)
		if o.kind == pruning && held {
			after.Failures = nil
		}
		return after, after, held
	},
	"a failed condition is answered as success": func(s *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool) {
		after, _ := o.apply(now)
		return after, after, o.kind != loading
	},
	"a consistent read is not": func(s *planted, o operation, now breaker.Record) (stored, answered breaker.Record, held bool) {
		after, held := o.apply(now)
		if o.kind == loading {
			return now, s.first[o.circuit], false
		}
		if _, ok := s.first[o.circuit]; !ok {
			s.first[o.circuit] = after
		}
		return after, after, held
	},
}

func TestHistoriesFindPlantedBugs(t *testing.T) {
	figure("linearizability: bugs planted in a store", "%d, all found", len(plantedBugs)+1)
	for rule, bug := range plantedBugs {
		t.Run(rule, func(t *testing.T) {
			wantNotLinearizable(t, 20, func() storetest.Subject { return forget(newPlanted(bug)) })
		})
	}
	t.Run("without a bug nothing is found", func(t *testing.T) {
		s := newPlanted(right)
		history := record(0, perClient, func(int) storetest.Subject { return forget(s) })
		if verdict := porcupine.CheckOperationsTimeout(sequential, history, patience); verdict != porcupine.Ok {
			t.Error(verdict)
		}
	})
	t.Run("an append reads and writes in two steps", func(t *testing.T) {
		wantNotLinearizable(t, 100, func() storetest.Subject { return forget(&twoSteps{newPlanted(right)}) })
	})
}

// wantNotLinearizable runs a bug that shows only sometimes for some rounds.
func wantNotLinearizable(t *testing.T, rounds uint64, subject func() storetest.Subject) {
	t.Helper()
	for seed := range rounds {
		s := subject()
		history := record(seed, perClient, func(int) storetest.Subject { return s })
		switch porcupine.CheckOperationsTimeout(sequential, history, patience) {
		case porcupine.Illegal:
			return
		case porcupine.Unknown:
			t.Fatal("not judged in time")
		}
	}
	t.Error("not found")
}

// twoSteps loses what is written between the reading and the writing.
type twoSteps struct{ *planted }

func (s *twoSteps) AppendFailure(_ context.Context, circuit string, f breaker.Failure) (breaker.Record, bool, error) {
	s.mu.Lock()
	now, ok := s.records[circuit]
	s.mu.Unlock()
	if !ok {
		now = missing
	}
	after, held := now.Append(f)
	runtime.Gosched()
	s.mu.Lock()
	defer s.mu.Unlock()
	if held {
		s.records[circuit] = after
	}
	return after, held, nil
}
