package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func (s *suite) load() breaker.Record {
	s.Helper()
	r, err := s.Store.Load(s.ctx, s.circuit, true)
	if err != nil {
		s.Errorf("load: %v", err)
	}
	return r
}

func (s *suite) append(id string, epoch int64, room int, wantHeld bool) breaker.Record {
	s.Helper()
	r, held, err := s.Store.AppendFailure(s.ctx, s.circuit, breaker.Failure{
		ID: breaker.FailureID(id), Epoch: epoch, Cap: room, At: 77, New: "new-" + id,
	})
	if err != nil || held != wantHeld {
		s.Errorf("append %s: held %v, %v", id, held, err)
	}
	return r
}

func (s *suite) prune(epoch int64, wantHeld bool, names ...string) breaker.Record {
	s.Helper()
	r, held, err := s.Store.PruneFailures(s.ctx, s.circuit, epoch, ids(names...))
	if err != nil || held != wantHeld {
		s.Errorf("prune %v: held %v, %v", names, held, err)
	}
	return r
}

func (s *suite) change(from, to breaker.Record, wantHeld bool) breaker.Record {
	s.Helper()
	r, held, err := s.Store.Change(s.ctx, s.circuit, breaker.Change{From: from, To: to})
	if err != nil || held != wantHeld {
		s.Errorf("change to %+v: held %v, %v", to, held, err)
	}
	return r
}

// reach changes the circuit, through open and half-open, to a state.
func (s *suite) reach(state breaker.State) breaker.Record {
	s.Helper()
	r := s.load()
	for _, step := range []breaker.State{breaker.Open, breaker.HalfOpen, breaker.Closed} {
		to := s.next(r)
		to.State, to.Epoch = step, to.Generation
		if r = s.change(r, to, true); step == state {
			return r
		}
	}
	return r
}

// next returns a successor of r that differs only in the fence.
func (s *suite) next(r breaker.Record) breaker.Record {
	r.Generation++
	r.Writer = s.writer()
	return r
}

func (s *suite) writer() string {
	s.writers++
	return fmt.Sprintf("%s#%d", s.circuit, s.writers)
}

func (s *suite) same(got, want breaker.Record) {
	s.Helper()
	if !reflect.DeepEqual(sorted(got), sorted(want)) {
		s.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// sorted returns r with its failures, which have no order, in order.
func sorted(r breaker.Record) breaker.Record {
	r.Failures = slices.Sorted(slices.Values(r.Failures))
	return r
}

func ids(names ...string) []breaker.FailureID {
	list := make([]breaker.FailureID, len(names))
	for i, name := range names {
		list[i] = breaker.FailureID(name)
	}
	return list
}

// parallel calls f n times concurrently and waits for all calls.
func parallel(n int, f func(int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}
