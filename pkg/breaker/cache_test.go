package breaker_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
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

func TestRefreshRunsBesideTheCall(t *testing.T) {
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

func TestSuspiciousRecordIsReadBeforeTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		b, other := newBreaker(t, store, nil), newBreaker(t, store, nil)
		failTimes(b, 1)
		failTimes(other, 4)
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

func TestCacheHitDoesNotAllocate(t *testing.T) {
	read := time.Now()
	now := read
	b := newBreakerWith(t, breaker.Config{Settings: settings, Store: memstore.New(), Now: func() time.Time { return now }}, nil)
	ctx := context.Background()
	if err := b.Prime(ctx); err != nil {
		t.Fatal(err)
	}
	for _, age := range []time.Duration{0, time.Millisecond, breaker.DefaultRefreshAfter} {
		now = read.Add(age)
		if n := testing.AllocsPerRun(100, func() {
			permit, err := b.Allow(ctx)
			if err != nil {
				t.Fatal(err)
			}
			permit.Done(nil)
		}); n != 0 {
			t.Errorf("%v allocations after %s", n, age)
		}
	}
}
