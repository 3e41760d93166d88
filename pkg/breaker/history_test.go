package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func wantHistory(t *testing.T, b *breaker.Breaker, want ...string) {
	t.Helper()
	list, err := b.History(context.Background(), 20)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		switch {
		case e.Cleared:
			got = append(got, fmt.Sprintf("%s cleared by %s", e.Override.Mode, e.ClearedBy))
		case e.Override != nil:
			got = append(got, fmt.Sprintf("%s by %s: %s", e.Override.Mode, e.Override.By, e.Override.Why))
		default:
			got = append(got, fmt.Sprintf("%s→%s %s %d", e.From, e.To, e.Reason, e.Opens))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("history %q, want %q", got, want)
	}
}

func TestHistoryHoldsTheOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b, other := newPausing(t, store, nil), newPausing(t, store, nil)
		began := time.Now().UTC()
		failTimes(b, 5)
		for range 3 {
			time.Sleep(30 * time.Second)
			failTimes(other, 1)
		}
		time.Sleep(30 * time.Second)
		_ = call(b, errPause(time.Minute))
		time.Sleep(time.Minute)
		_, _ = call(b, nil), call(other, nil)
		override(t, b, breaker.OverrideDisabled, time.Hour)
		clearOverride(t, b)
		wantHistory(t, b, "disabled cleared by ops too", "disabled by ops: maintenance", "half_open→closed  5", "half_open→open rate_limited 5", "closed→open error 1")

		list, err := b.History(context.Background(), 5)
		if first := list[len(list)-1]; err != nil || !first.At.Equal(began) || !first.RetryAt.Equal(began.Add(30*time.Second)) || first.Generation != 1 || first.Circuit != "jira_api" {
			t.Errorf("the opening is %+v, %v", first, err)
		}
		if list, err := b.History(context.Background(), 2); err != nil || len(list) != 2 {
			t.Errorf("two of them: %v, %v", list, err)
		}
		for _, limit := range []int{1, 100} {
			if _, err := b.History(context.Background(), limit); err != nil {
				t.Errorf("limit %d: %v", limit, err)
			}
		}
		for _, limit := range []int{0, -1, 101} {
			if _, err := b.History(context.Background(), limit); err == nil {
				t.Errorf("limit %d was accepted", limit)
			}
		}
	})
}

// What six recovery windows of a dead dependency cost: a probe each, and
// nothing for the history, to which they add nothing.
func TestWritesOfADeadDependency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		var fleet []*breaker.Breaker
		for range 20 {
			fleet = append(fleet, newBreaker(t, store, nil))
		}
		failTimes(fleet[0], 5)
		_, _ = store.counted()
		store.puts = 0
		probes := 0
		for end := time.Now().Add(6*30*time.Second + 10*time.Second); time.Now().Before(end); {
			for _, b := range fleet {
				_ = b.Do(context.Background(), func(context.Context, *breaker.Permit) error { probes++; return errDown })
				time.Sleep(20 * time.Millisecond)
			}
		}
		_, writes := store.counted()
		if probes != 6 || writes+store.puts > 16 {
			t.Errorf("%d probes, %d writes of the circuit and %d of its history", probes, writes, store.puts)
		}
	})
}

func TestHistoryThatFailsHarmsNothing(t *testing.T) {
	for name, put := range map[string]func() error{
		"an error": func() error { return errors.New("denied") },
		"a panic":  func() error { panic("store") },
	} {
		synctest.Test(t, func(t *testing.T) {
			j := new(journal)
			b := newBreaker(t, &forgetful{newStore(), put}, j)
			failTimes(b, 5)
			wantState(t, b, breaker.Open)
			time.Sleep(30 * time.Second)
			_, _ = call(b, nil), call(b, nil)
			wantState(t, b, breaker.Closed)
			wantLines(t, j, "closed→open", "unrecorded", "open→half_open", "half_open→closed", "unrecorded")
			if t.Failed() {
				t.Log(name)
			}
		})
	}
}

// forgetful is a store that keeps circuits and no history.
type forgetful struct {
	*watchedStore
	put func() error
}

func (s *forgetful) PutTransition(context.Context, string, breaker.Transition) error { return s.put() }

func TestHistoryOutlivesTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, newStore(), nil)
		ctx, cancel := context.WithCancel(context.Background())
		failTimes(b, 4)
		_ = b.Do(ctx, func(context.Context, *breaker.Permit) error { cancel(); return errDown })
		wantHistory(t, b, "closed→open error 1")
	})
}

func TestUnreadableEntriesAreLeftOutAndReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(journal)
		b := newBreaker(t, halfRead{newStore()}, j)
		failTimes(b, 5)
		j.take()
		wantHistory(t, b, "closed→open error 1")
		wantLines(t, j, "unrecorded")
	})
}

// halfRead is a store whose history has entries that it cannot read.
type halfRead struct{ *watchedStore }

func (s halfRead) Transitions(ctx context.Context, circuit string, limit int) ([]breaker.Transition, error) {
	list, _ := s.watchedStore.Transitions(ctx, circuit, limit)
	return list, fmt.Errorf("2 of 3 %w", breaker.ErrUnreadable)
}

func TestHistoryOfAnUnreachableStoreIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := newBreaker(t, newStore(), nil).History(ctx, 1); err == nil {
			t.Error("no error")
		}
	})
}

func TestLocalTransitionsAreNotInTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		store.set(func(s *watchedStore) { s.err = errors.New("unavailable") })
		failTimes(b, 6)
		if store.puts != 0 {
			t.Errorf("%d entries", store.puts)
		}
	})
}
