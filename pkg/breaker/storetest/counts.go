package storetest

import (
	"slices"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// tally returns one that adds calls to two buckets of an epoch.
func tally(epoch, calls int64) breaker.Tally {
	return breaker.Tally{Epoch: epoch, Add: []breaker.Count{
		{Kind: breaker.SuccessesOfSixth, Epoch: epoch, Bucket: 7, Calls: calls},
		{Kind: breaker.SuccessesOfSecond, Epoch: epoch, Bucket: 70, Calls: calls},
	}}
}

func (s *suite) count(t breaker.Tally, wantHeld bool) breaker.Record {
	s.Helper()
	r, held, err := s.Store.Count(s.ctx, s.circuit, t)
	if err != nil || held != wantHeld {
		s.Errorf("count %+v: held %v, %v", t, held, err)
	}
	return r
}

// Each of the concurrent writers removes a count that is gone, or never was.
func concurrentCounts(s *suite) {
	s.append("1#e#1", 0, 5, true)
	before := breaker.Count{Kind: breaker.FailuresOfSixth, Epoch: 0, Bucket: 1, Calls: 3}
	s.count(breaker.Tally{Add: []breaker.Count{before}}, true)
	parallel(50, func(i int) {
		t := tally(0, int64(i+1))
		t.Traffic, t.Gone = 600, []breaker.Count{before}
		s.count(t, true)
	})
	want := s.load()
	want.Counts = tally(0, 50*51/2).Add
	want.Traffic = 600
	slices.SortFunc(want.Counts, breaker.Count.Compare)
	s.same(s.load(), want)
	if want.Generation != 0 {
		s.Errorf("counts made generation %d", want.Generation)
	}
}

func countsAreFenced(s *suite) {
	s.same(s.count(tally(0, 1), false), breaker.Record{State: breaker.Closed})
	s.append("1#e#1", 0, 5, true)
	s.count(tally(1, 1), false)
	open := s.reach(breaker.Open)
	s.same(s.count(tally(open.Epoch, 1), false), open)
}

// A count that the writer of the change does not know stays, and means nothing.
func openingRemovesCounts(s *suite) {
	s.append("1#e#1", 0, 5, true)
	from := s.count(tally(0, 4), true)
	later := breaker.Count{Kind: breaker.FailuresOfSecond, Epoch: 0, Bucket: 71, Calls: 2}
	s.count(breaker.Tally{Add: []breaker.Count{later}, Traffic: 90}, true)
	to := s.next(from)
	to.State, to.Epoch = breaker.Open, to.Generation
	got := s.change(from, to, true)
	to.Failures, to.Counts, to.Traffic = nil, []breaker.Count{later}, 90
	s.same(got, to)
	s.same(s.load(), to)
}

func changeWhileCounting(s *suite) {
	s.append("1#e#1", 0, 5, true)
	from := s.count(tally(0, 1), true)
	to := s.next(from)
	to.State, to.Epoch = breaker.Open, to.Generation
	parallel(40, func(i int) {
		if i == 20 {
			s.change(from, to, true)
			return
		}
		if _, _, err := s.Store.Count(s.ctx, s.circuit, tally(0, 1)); err != nil {
			s.Errorf("count: %v", err)
		}
	})
	if r := s.load(); r.State != breaker.Open || r.Generation != to.Generation || len(r.Counts) > 0 {
		s.Errorf("got %+v", r)
	}
}
