package breaker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

type contextKey struct{}

// Each rule is one of context.WithTimeout on context.WithoutCancel, to which the
// store's context is compared, with and without its timer.
func TestTheStoresContextIsOneWithATimeout(t *testing.T) {
	type state struct {
		err    error
		closed bool
	}
	stateOf := func(ctx context.Context) state {
		err := ctx.Err()
		select {
		case <-ctx.Done():
			return state{err, true}
		default:
			return state{err, false}
		}
	}
	for rule, act := range map[string]func(cancelCaller, end func()){
		"it goes on at first":               func(_, _ func()) {},
		"it goes on after the caller's end": func(cancelCaller, _ func()) { cancelCaller() },
		"it goes on before its time":        func(_, _ func()) { time.Sleep(time.Second - 1) },
		"it ends at its time":               func(_, _ func()) { time.Sleep(time.Second) },
		"it ends with the operation":        func(_, end func()) { end() },
		"it ends once, by the operation":    func(_, end func()) { end(); time.Sleep(time.Minute) },
	} {
		for _, waits := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				caller, cancel := context.WithCancel(context.WithValue(context.Background(), contextKey{}, "value"))
				defer cancel()
				got := newStoreContext(caller, time.Second)
				defer got.end()
				want, stop := context.WithTimeout(context.WithoutCancel(caller), time.Second)
				defer stop()
				if waits {
					_ = got.Done()
				}
				act(cancel, func() { got.end(); stop() })
				synctest.Wait()
				if got, want := stateOf(got), stateOf(want); got != want {
					t.Errorf("%s, waited for %t: got %+v, want %+v", rule, waits, got, want)
				}
				gotAt, _ := got.Deadline()
				if wantAt, _ := want.Deadline(); !gotAt.Equal(wantAt) || got.Value(contextKey{}) != "value" {
					t.Errorf("%s, waited for %t: deadline %s, want %s, value %v", rule, waits, gotAt, wantAt, got.Value(contextKey{}))
				}
			})
		}
	}
}

func TestAContextOfTheStoresContextEndsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent := newStoreContext(context.Background(), time.Second)
		defer parent.end()
		child, stop := context.WithCancel(parent)
		defer stop()
		if time.Sleep(time.Second - 1); child.Err() != nil {
			t.Errorf("ended early: %v", child.Err())
		}
		time.Sleep(time.Nanosecond)
		if synctest.Wait(); !errors.Is(child.Err(), context.DeadlineExceeded) {
			t.Errorf("ended with %v", child.Err())
		}
	})
}
