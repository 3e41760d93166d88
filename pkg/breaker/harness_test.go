package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

var errDown = errors.New("dependency down")

// watchedStore is a fleet's store that counts its operations and injects faults:
// an error at once, or none until the operation's context ends.
type watchedStore struct {
	breaker.Store
	mu     sync.Mutex
	reads  int
	writes int
	puts   int // into the history
	err    error
	hangs  bool
	slow   time.Duration
	after  func() // once, after the next write was committed
}

func newStore() *watchedStore { return &watchedStore{Store: memstore.New()} }

func (s *watchedStore) fault(ctx context.Context, count *int) error {
	s.mu.Lock()
	*count++
	err, hangs, slow := s.err, s.hangs, s.slow
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if slow > 0 {
		time.Sleep(slow)
	}
	return err
}

func (s *watchedStore) set(change func(*watchedStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *watchedStore) counted() (reads, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reads, writes = s.reads, s.writes
	s.reads, s.writes = 0, 0
	return reads, writes
}

func (s *watchedStore) Load(ctx context.Context, circuit string, consistent bool) (breaker.Record, error) {
	if err := s.fault(ctx, &s.reads); err != nil {
		return breaker.Record{}, err
	}
	return s.Store.Load(ctx, circuit, consistent)
}

func (s *watchedStore) AppendFailure(ctx context.Context, circuit string, f breaker.Failure) (breaker.Record, bool, error) {
	if err := s.fault(ctx, &s.writes); err != nil {
		return breaker.Record{}, false, err
	}
	return s.Store.AppendFailure(ctx, circuit, f)
}

func (s *watchedStore) PruneFailures(ctx context.Context, circuit string, epoch int64, ids []breaker.FailureID) (breaker.Record, bool, error) {
	if err := s.fault(ctx, &s.writes); err != nil {
		return breaker.Record{}, false, err
	}
	return s.Store.PruneFailures(ctx, circuit, epoch, ids)
}

func (s *watchedStore) Change(ctx context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	if err := s.fault(ctx, &s.writes); err != nil {
		return breaker.Record{}, false, err
	}
	r, held, err := s.Store.Change(ctx, circuit, c)
	s.mu.Lock()
	after := s.after
	s.after = nil
	s.mu.Unlock()
	if after != nil {
		after()
	}
	return r, held, err
}

func (s *watchedStore) PutTransition(ctx context.Context, circuit string, t breaker.Transition) error {
	if err := s.fault(ctx, &s.puts); err != nil {
		return err
	}
	return s.Store.PutTransition(ctx, circuit, t)
}

// journal records what an observer receives.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

func (j *journal) observer() breaker.Observer {
	return breaker.Observer{
		Transition: func(_ context.Context, t breaker.Transition) {
			where := ""
			if t.Local {
				where = " locally"
			}
			j.add("%s→%s%s", t.From, t.To, where)
		},
		Overridden: func(_ context.Context, t breaker.Transition) {
			if t.Cleared {
				j.add("%s by %s cleared by %s", t.Override.Mode, t.Override.By, t.ClearedBy)
				return
			}
			j.add("%s by %s", t.Override.Mode, t.Override.By)
		},
		HistoryFailed: func(context.Context, string, error) { j.add("unrecorded") },
		StoreLost:     func(context.Context, string, error) { j.add("lost") },
		StoreReturned: func(context.Context, string, time.Duration) { j.add("returned") },
	}
}

var settings = breaker.Settings{Name: "jira_api", ProbeTimeout: 4 * time.Second}

func newBreaker(t *testing.T, store breaker.Store, j *journal) *breaker.Breaker {
	t.Helper()
	return newBreakerWith(t, breaker.Config{Settings: settings, Store: store}, j)
}

func newBreakerWith(t *testing.T, c breaker.Config, j *journal) *breaker.Breaker {
	t.Helper()
	if j != nil {
		c.Observer = j.observer()
	}
	b, err := breaker.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func call(b *breaker.Breaker, result error) error {
	return b.Do(context.Background(), func(context.Context, *breaker.Permit) error { return result })
}

func failTimes(b *breaker.Breaker, n int) {
	for range n {
		_ = call(b, errDown)
	}
}

func wantState(t *testing.T, b *breaker.Breaker, want breaker.State) {
	t.Helper()
	s, err := b.Stats(context.Background())
	if err != nil || s.State != want {
		t.Fatalf("state %q (%v), want %q", s.State, err, want)
	}
}

func wantLines(t *testing.T, j *journal, want ...string) {
	t.Helper()
	if got := j.take(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("observed %q, want %q", got, want)
	}
}
