package breaker_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestHealthyCircuitCostsAboutOneReadASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		if err := b.Prime(context.Background()); err != nil {
			t.Fatal(err)
		}
		store.counted()
		const seconds = 60
		for range seconds * 100 {
			time.Sleep(10 * time.Millisecond)
			if err := call(b, nil); err != nil {
				t.Fatal(err)
			}
		}
		reads, writes := store.counted()
		if writes != 0 || reads > seconds*10/9 || reads < seconds/2 {
			t.Errorf("%d reads and %d writes in %d s", reads, writes, seconds)
		}
	})
}

func TestARefreshRunsInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b := newBreaker(t, store, nil)
		_ = call(b, nil)
		store.slow = 50 * time.Millisecond
		time.Sleep(1100 * time.Millisecond)
		store.counted()
		began := time.Now()
		permit, err := b.Allow(context.Background())
		if err != nil || time.Since(began) != 0 {
			t.Errorf("admission did not wait: %v after %s", err, time.Since(began))
		}
		permit.Done(nil)
		if reads, _ := store.counted(); reads != 1 || time.Since(began) != 50*time.Millisecond {
			t.Errorf("Done joins the read: %d reads after %s", reads, time.Since(began))
		}
		time.Sleep(2 * time.Second)
		began = time.Now()
		_ = call(b, nil)
		if time.Since(began) != 50*time.Millisecond {
			t.Errorf("a thawed environment reads first: %s", time.Since(began))
		}
	})
}

func TestARecordWithARecentFailureIsReadBeforeTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b, other := newBreaker(t, store, nil), newBreaker(t, store, nil)
		failTimes(b, 2)
		failTimes(other, 3)
		time.Sleep(101 * time.Millisecond)
		if err := call(b, nil); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("a record with a fresh failure is read again after 100 ms: %v", err)
		}
	})
}

func TestConcurrentCallsShareARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		store.slow = 20 * time.Millisecond
		b := newBreaker(t, store, nil)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { _ = call(b, nil) })
		}
		all.Wait()
		if reads, _ := store.counted(); reads != 1 {
			t.Errorf("50 calls made %d reads", reads)
		}
	})
}

func TestReadFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		s := settings
		s.MaxAge = -1
		b, err := breaker.New(breaker.Config{Settings: s, Store: store})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			_ = call(b, nil)
		}
		if reads, _ := store.counted(); reads != 10 {
			t.Errorf("10 calls made %d reads", reads)
		}
	})
}

// What reading before every call buys: 20 environments at 50 calls a second
// stop calling a dependency soon after it died. Calls take 20 ms, operations
// on the store 5 ms.
func TestReadFirstLimitsTheLastCallsOfAnOutage(t *testing.T) {
	var reached []int
	var lasted []time.Duration
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			n, d := failingCalls(t, rand.New(rand.NewPCG(seed, 1)))
			reached, lasted = append(reached, n), append(lasted, d)
		})
	}
	slices.Sort(reached)
	slices.Sort(lasted)
	t.Logf("failing calls: median %d, worst %d; first to last: median %s, worst %s", reached[15], reached[29], lasted[15], lasted[29])
	if reached[15] > 7 || reached[29] > 12 || lasted[15] > 120*time.Millisecond || lasted[29] > 200*time.Millisecond {
		t.Errorf("failing calls %v, first to last %v", reached, lasted)
	}
}

func failingCalls(t *testing.T, r *rand.Rand) (reached int, lasted time.Duration) {
	t.Helper()
	store := newStore()
	store.slow = 5 * time.Millisecond
	s := settings
	s.MaxAge = -1
	var fleet []*breaker.Breaker
	for range 20 {
		fleet = append(fleet, newBreakerWith(t, breaker.Config{Settings: s, Store: store}, nil))
	}
	var mu sync.Mutex
	var first, last time.Time
	down := func(context.Context, *breaker.Permit) error {
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		if reached++; reached == 1 {
			first = time.Now()
		}
		last = time.Now()
		return errDown
	}
	var all sync.WaitGroup
	for range 100 { // two seconds
		time.Sleep(time.Duration(r.ExpFloat64() * float64(20*time.Millisecond)))
		b := fleet[r.IntN(len(fleet))]
		all.Go(func() { _ = b.Do(context.Background(), down) })
	}
	all.Wait()
	return reached, last.Sub(first)
}
