package httpapi

import (
	"sync"
	"time"
)

// Throttle is a token bucket: Rate requests a second on average, Burst at
// once. The zero Throttle lets everything through.
type Throttle struct {
	Rate  float64
	Burst int
}

type bucket struct {
	Throttle
	now    func() time.Time
	mu     sync.Mutex
	tokens float64
	filled time.Time
}

func newBucket(t Throttle, now func() time.Time) *bucket {
	return &bucket{Throttle: t, now: now, tokens: float64(t.Burst), filled: now()}
}

func (b *bucket) take() bool {
	if b.Throttle == (Throttle{}) {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.tokens = min(float64(b.Burst), b.tokens+b.Rate*now.Sub(b.filled).Seconds())
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
