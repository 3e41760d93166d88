package storetest

import (
	"reflect"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func (s *suite) put(t breaker.Transition) breaker.Transition {
	s.Helper()
	t.Circuit = s.circuit
	if err := s.Store.PutTransition(s.ctx, s.circuit, t); err != nil {
		s.Errorf("put %+v: %v", t, err)
	}
	return t
}

func (s *suite) wantHistory(limit int, want ...breaker.Transition) {
	s.Helper()
	got, err := s.Store.Transitions(s.ctx, s.circuit, limit)
	if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		s.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

// opening returns a transition that is recent enough for a store to keep.
func opening(generation int64) breaker.Transition {
	return breaker.Transition{
		From: breaker.Closed, To: breaker.Open, Generation: generation,
		At: time.Now().UTC().Truncate(time.Millisecond),
	}
}

func historyNewestFirst(s *suite) {
	s.wantHistory(10)
	at := opening(0).At
	put := func(generation int64, after time.Duration) breaker.Transition {
		t := opening(generation)
		t.At = at.Add(after)
		return s.put(t)
	}
	ninth, hundredth, tenth := put(9, 0), put(100, time.Second), put(10, 0)
	s.wantHistory(10, hundredth, tenth, ninth)
	s.wantHistory(2, hundredth, tenth)
	restarted := put(1, 2*time.Second) // after the item was deleted by hand
	s.wantHistory(2, restarted, hundredth)
}

func historyKeepsAttributes(s *suite) {
	t := opening(2)
	t.From, t.Reason, t.RetryAt, t.Opens = breaker.HalfOpen, "http_503", t.At.Add(time.Minute), 3
	t.Failures, t.Calls = 30, 101
	t = s.put(t)
	s.put(t)
	s.wantHistory(10, t)

	set := opening(3)
	set.At = set.At.Add(time.Second)
	set.To = breaker.Closed
	set.Override = &breaker.Override{Mode: breaker.OverrideClosed, By: "an operator", Why: "a false alarm", Until: set.At.Add(time.Hour)}
	set = s.put(set)
	cleared := set
	cleared.At = set.At.Add(time.Second)
	cleared.Generation, cleared.Cleared, cleared.ClearedBy = 4, true, "another operator"
	cleared = s.put(cleared)
	s.wantHistory(10, cleared, set, t)
}

func historyIsSeparate(s *suite) {
	state := s.reach(breaker.Open)
	first := s.put(opening(1))
	s.same(s.load(), state)
	s.wantHistory(10, first)
	s.circuit += "-other"
	s.wantHistory(10)
}
