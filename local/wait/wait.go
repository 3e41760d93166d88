// Package wait waits for what another process brings about.
package wait

import (
	"context"
	"fmt"
	"time"
)

// For polls a condition until it holds, or gives an error that names it once
// ctx ends or limit has passed.
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
