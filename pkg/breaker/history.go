package breaker

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// HistoryAge, 30 days, is how long a store keeps an entry of a circuit's
// history.
const HistoryAge = 30 * 24 * time.Hour

// maxHistory is the most entries that one read returns.
const maxHistory = 100

// History reads the circuit's newest transitions, newest first, at most limit,
// 1 to 100. They are the openings and closings, the overrides that were set or
// cleared, and the failed probes whose reason differs from the one before. The
// start of a probe, and another failure for the same reason, are not entries; the
// next entry's Opens counts them. History is written after the fact: changes of
// an environment that died may be missing. Entries that cannot be understood,
// such as those of a much later version, are left out, and
// Observer.HistoryFailed receives their number.
//
// It waits at most Settings.PrimeTimeout and fails if the store does.
func (b *Breaker) History(ctx context.Context, limit int) ([]Transition, error) {
	if limit < 1 || limit > maxHistory {
		return nil, fmt.Errorf("circuit '%s': history: limit %d: want 1 to %d", b.Name(), limit, maxHistory)
	}
	ctx, cancel := context.WithTimeout(ctx, b.node.PrimeTimeout)
	defer cancel()
	list, err := b.store.Transitions(ctx, b.Name(), limit)
	if errors.Is(err, ErrUnreadable) {
		b.notify(ctx, notice{historyFailed: err})
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("circuit '%s': history: %w", b.Name(), err)
	}
	return list, nil
}

// recordHistory adds a transition to the history. An error neither fails the
// call nor begins a store outage: the circuit works without its history.
func (b *Breaker) recordHistory(ctx context.Context, t Transition) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.node.StoreTimeout)
	defer cancel()
	if err := b.putTransition(bounded, t); err != nil {
		b.notify(ctx, notice{historyFailed: err})
	}
}

func (b *Breaker) putTransition(ctx context.Context, t Transition) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("store panicked: %v", v)
		}
	}()
	return b.store.PutTransition(ctx, b.Name(), t)
}
