// Package wait waits: for what another process brings about, or for a time.
package wait

import (
	"context"
	"fmt"
	"time"
)

// For polls a condition until it holds. It returns an error that names the
// condition once ctx ends or limit has passed.
func For(ctx context.Context, limit time.Duration, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %s", limit, what)
		case <-poll.C:
		}
	}
	return nil
}

// Pause waits for d, and reports whether ctx lasted as long.
func Pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
