package breaker_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// What reading before every call buys: 20 environments at 50 calls a second
// stop calling a dependency soon after it died. Calls take 20 ms, operations
// on the store 5 ms.
func TestReadFirstKeepsAnOutagesLastCallsFew(t *testing.T) {
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
