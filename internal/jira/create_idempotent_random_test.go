package jira

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
)

func randomWorld(t *testing.T, g *guard.Guard, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	n := func(below int) int { mu.Lock(); defer mu.Unlock(); return r.IntN(below) }
	w := newWorld()
	end := time.Now().Add(5 * time.Minute)
	w.lag = func() time.Duration { return time.Duration(n(5000)) * time.Millisecond }
	w.post = func(int) fate {
		if time.Now().After(end) {
			return works
		}
		return randomFate(n)
	}
	w.search = func(int) fate {
		if time.Now().After(end) || n(4) > 0 {
			return works
		}
		return randomFate(n)
	}
	var clients sync.WaitGroup
	for range 1 + n(4) {
		clients.Go(func() {
			time.Sleep(time.Duration(n(10_000)) * time.Millisecond)
			for time.Now().Before(end) {
				life := -1
				if n(3) == 0 {
					life = 1 + n(6)
				}
				check(t, w, w.environment(g, life).create(t), life)
				time.Sleep(time.Duration(n(40_000)) * time.Millisecond)
			}
		})
	}
	clients.Wait()
	time.Sleep(12 * time.Minute)
	last := w.environment(g, -1).create(t)
	if last.status != 201 || len(w.keys()) != 1 {
		t.Errorf("in the end %+v, issues %v", last, w.keys())
	}
}

func check(t *testing.T, w *world, got reply, life int) {
	t.Helper()
	if keys := w.keys(); len(keys) > 1 || got.status == 201 && (len(keys) == 0 || got.key != keys[0]) {
		t.Errorf("%+v, issues %v", got, keys)
	}
	if got.status == 503 && (got.Retryable == nil || !*got.Retryable || got.RetryAfterSeconds == 0) && life < 0 {
		t.Errorf("not clearly retryable: %+v", got)
	}
}

// randomFate is one of all that happen to a request.
func randomFate(n func(int) int) fate {
	f := fate{commit: n(2) == 0, delay: time.Duration(n(1500)) * time.Millisecond}
	switch n(8) {
	case 0:
		return fate{unsent: true}
	case 1:
		f.status = -1
	case 2:
		f.delay = time.Minute
	case 3: // Jira goes on when the client has gone
		f.after, f.delay = time.Duration(1+n(60))*time.Second, time.Minute
	case 4:
		f.status, f.body = []int{408, 500, 502, 503, 504}[n(5)], `<html>`
	case 5:
		f.commit, f.status, f.body = false, []int{400, 401, 403, 429}[n(4)], `{"errorMessages":["no"]}`
	case 6:
		f.commit, f.body = true, `{"id`
	default:
		return works
	}
	return f
}
