package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestAStoreOutageNeverRejects(t *testing.T) {
	for name, fail := range map[string]func(*watchedStore){
		"failing": func(s *watchedStore) { s.err = errors.New("unavailable") },
		"hanging": func(s *watchedStore) { s.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, j := newStore(), new(journal)
				b := newBreaker(t, store, j)
				_ = call(b, nil)
				store.set(fail)
				time.Sleep(2 * time.Second)
				var waits, slowest time.Duration
				for range 1000 {
					began := time.Now()
					if err := call(b, nil); err != nil {
						t.Fatalf("a call was rejected because the store is unavailable: %v", err)
					}
					waits += time.Since(began)
					slowest = max(slowest, time.Since(began))
					time.Sleep(10 * time.Millisecond)
				}
				reads, _ := store.counted()
				if slowest > 300*time.Millisecond || reads > 8 {
					t.Errorf("slowest call %s, %d tries of the store in 10 s", slowest, reads)
				}
				wantLines(t, j, "lost")
				store.set(func(s *watchedStore) { s.err, s.hangs = nil, false })
				time.Sleep(40 * time.Second)
				_ = call(b, nil)
				wantLines(t, j, "returned")
			})
		})
	}
}

func TestAStoreOutageStillProtectsTheDependency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, j := newStore(), new(journal)
		store.err = errors.New("unavailable")
		b := newBreaker(t, store, j)
		reached := 0
		began := time.Now()
		for time.Since(began) < 5*time.Minute {
			_ = b.Do(context.Background(), func(context.Context, *breaker.Permit) error { reached++; return errDown })
			time.Sleep(100 * time.Millisecond)
		}
		if reached > 5+10 || reached < 5+8 {
			t.Errorf("%d calls reached it, want the threshold and one per recovery window", reached)
		}
		if lines := j.take(); lines[0] != "lost" || lines[1] != "closed→open locally" || lines[2] != "open→half_open locally" {
			t.Errorf("observed %q", lines)
		}
		store.set(func(s *watchedStore) { s.err = nil })
		time.Sleep(time.Minute)
		if err := call(b, nil); err != nil {
			t.Errorf("the store's record replaces the local one: %v", err)
		}
		wantState(t, b, breaker.Closed)
	})
}

func TestAnOpenCircuitStaysOpenInAStoreOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		failTimes(b, 5)
		store.set(func(s *watchedStore) { s.err = errors.New("unavailable") })
		for range 29 {
			time.Sleep(time.Second)
			if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
				t.Fatalf("opened circuit was forgotten: %v", err)
			}
		}
	})
}

func TestLocalOutcomesStayLocal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		store.set(func(s *watchedStore) { s.err = errors.New("unavailable") })
		var permits [5]breaker.Permit
		for i := range permits {
			permits[i], _ = b.Allow(context.Background())
		}
		store.set(func(s *watchedStore) { s.err = nil })
		time.Sleep(5 * time.Second)
		_ = call(b, nil)
		for i := range permits {
			permits[i].Done(errDown)
		}
		wantState(t, b, breaker.Closed)
		if s, _ := b.Stats(context.Background()); s.FailureCount != 0 {
			t.Errorf("local failures reached the fleet: %+v", s)
		}
	})
}

func TestAStoreThatOnlyReadsStillProtects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &readOnlyStore{newStore()}
		b := newBreaker(t, store, nil)
		reached := 0
		for range 3000 {
			_ = b.Do(context.Background(), func(context.Context, *breaker.Permit) error { reached++; return errDown })
			time.Sleep(100 * time.Millisecond)
		}
		if reached > 100 {
			t.Errorf("%d of 3000 calls reached a dead dependency", reached)
		}
	})
}

type readOnlyStore struct{ *watchedStore }

func (s *readOnlyStore) AppendFailure(context.Context, string, breaker.Failure) (breaker.Record, bool, error) {
	return breaker.Record{}, false, errors.New("denied")
}

func TestAPanicOfTheStoreIsAStoreFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		failTimes(b, 5)
		time.Sleep(30 * time.Second)
		store.after = func() { panic("store") } // in the claim, which holds the probe slot
		_ = call(b, nil)
		time.Sleep(10 * time.Second)
		if _, err := b.Allow(context.Background()); err != nil {
			t.Errorf("the slot was never given back: %v", err)
		}
	})
}

func TestInAStoreOutageAnEnvironmentOpensAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newOneOfMany(t, store, 3)
		_ = call(b, nil)
		store.set(func(s *watchedStore) { s.err = errors.New("unavailable") })
		failTimes(b, 5)
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOpenForProtectsInAStoreOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newPausing(t, store, nil)
		_ = call(b, nil)
		store.set(func(s *watchedStore) { s.err = errors.New("unavailable") })
		_ = call(b, errPause(20*time.Minute))
		time.Sleep(19 * time.Minute)
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("forgotten: %v", err)
		}
	})
}
