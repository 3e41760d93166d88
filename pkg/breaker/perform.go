package breaker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// run drives a call: step, perform the operation, feed the reply back, until
// the call is admitted, rejected or done. An operation counts as sent when the
// step that asks for it began: a record is never taken for younger than it is.
func (b *Breaker) run(ctx context.Context, c *call, begin func(*call, event) op) op {
	step, replied, e := begin, b.node.replied, event{}
	for {
		o, now := b.step(ctx, c, e, step)
		if o.kind <= opDone {
			return o
		}
		e = b.perform(ctx, o, now)
		step = replied
	}
}

// step takes one step of the node under the lock and then notifies the
// observer. It returns the time of the step. It reads the clock under the lock:
// read before, it could be older than what another call has put into the node since.
func (b *Breaker) step(ctx context.Context, c *call, e event, step func(*call, event) op) (o op, now int64) {
	b.mu.Lock()
	e.now, e.random, e.left = b.now().UnixMilli(), b.rand(), b.timeLeft(ctx)
	o = step(c, e)
	b.fast.Store(b.node.freshness(b.fast.Load(), e.now))
	b.mu.Unlock()
	for _, n := range o.notices {
		b.notify(ctx, n)
		if n.inHistory {
			b.recordHistory(ctx, *n.transition)
		}
	}
	return o, e.now
}

// timeLeft returns the ms until the caller's context ends.
func (b *Breaker) timeLeft(ctx context.Context) int64 {
	if ctx.Err() != nil {
		return 0
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return math.MaxInt64
	}
	return deadline.Sub(b.now()).Milliseconds()
}

// startBackgroundRead starts a read and returns a channel that is closed when
// the read has ended.
func (b *Breaker) startBackgroundRead(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.run(ctx, new(call), b.node.refresh)
	}()
	return done
}

// perform performs one operation. Unless attached, an operation on the store
// ignores the caller's cancellation: the outcome of a write that is half sent
// would be unknown, and others share a read.
func (b *Breaker) perform(ctx context.Context, o op, sent int64) (e event) {
	if o.kind == opWait {
		sleep(ctx, msDuration(o.wait))
		return event{}
	}
	if !o.attached {
		timeout := b.node.StoreTimeout
		if o.cold {
			timeout = b.node.PrimeTimeout
		}
		bounded := newStoreContext(ctx, timeout)
		defer bounded.end()
		ctx = bounded
	}
	e = event{sent: sent, authoritative: true}
	defer func() {
		// A store that panics is one that fails: the call must go on to free the
		// claiming slot that it may hold.
		if v := recover(); v != nil {
			e.err = fmt.Errorf("store panicked: %v", v)
		}
	}()
	switch o.kind {
	case opLoad:
		if o.attached {
			e.record, e.err = b.store.Load(ctx, b.Name(), o.consistent)
			break
		}
		r := b.sharedLoad(ctx, o)
		e.asked, e.sent, e.record, e.err, e.authoritative = r.asked, r.sent, r.record, r.err, o.consistent
	case opAppend:
		e.record, e.held, e.err = b.store.AppendFailure(ctx, b.Name(), o.failure)
	case opPrune:
		e.record, e.held, e.err = b.store.PruneFailures(ctx, b.Name(), o.epoch, o.ids)
	case opCount:
		e.record, e.held, e.err = b.store.Count(ctx, b.Name(), o.tally)
	case opChange:
		e.record, e.held, e.err = b.store.Change(ctx, b.Name(), *o.change)
	}
	return e
}

// read is a read of the record that concurrent calls share.
type read struct {
	done   chan struct{}
	sent   int64
	asked  uint32
	record Record
	err    error
}

// sharedLoad reads the record, or waits for a read of the same consistency that
// is under way.
func (b *Breaker) sharedLoad(ctx context.Context, o op) *read {
	underWay := &b.eventualRead
	if o.consistent {
		underWay = &b.consistentRead
	}
	b.mu.Lock()
	if r := *underWay; r != nil {
		b.mu.Unlock()
		<-r.done
		return r
	}
	r := &read{done: make(chan struct{}), asked: o.asked, sent: b.now().UnixMilli(), err: errors.New("store panicked")}
	*underWay = r
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		*underWay = nil
		b.mu.Unlock()
		close(r.done)
	}()
	r.record, r.err = b.store.Load(ctx, b.Name(), o.consistent)
	return r
}

// sleep waits for d, or less if ctx ends: the next step sees the time left.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
