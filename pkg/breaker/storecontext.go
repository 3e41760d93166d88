package breaker

import (
	"context"
	"sync"
	"time"
)

// storeContext is the context of an operation on the store. It has the values of
// the caller's, but not its end. It is context.WithTimeout without the timer,
// which is started only for a store that waits for Done.
type storeContext struct {
	caller   context.Context
	deadline time.Time

	mu    sync.Mutex
	timed context.Context // with the timer, once it is started
	stop  context.CancelFunc
	err   error // why it ended, if that was before timed
}

func newStoreContext(ctx context.Context, timeout time.Duration) *storeContext {
	return &storeContext{caller: ctx, deadline: time.Now().Add(timeout)}
}

// Deadline returns the time at which the context ends.
func (c *storeContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done returns a channel that is closed when the context has ended.
func (c *storeContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.stop = context.WithDeadline(context.WithoutCancel(c.caller), c.deadline)
		if c.err != nil {
			c.stop()
		}
	}
	return c.timed.Done()
}

// Err returns why the context has ended, or nil.
func (c *storeContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
	case c.timed != nil:
		return c.timed.Err()
	case time.Until(c.deadline) <= 0:
		c.err = context.DeadlineExceeded
	}
	return c.err
}

// Value returns a value of the caller's context. It makes the contexts that are
// derived from this one children of its timer.
func (c *storeContext) Value(key any) any {
	c.mu.Lock()
	ctx := c.timed
	c.mu.Unlock()
	if ctx == nil {
		ctx = context.WithoutCancel(c.caller)
	}
	return ctx.Value(key)
}

// end ends the context, when the operation is over.
func (c *storeContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed != nil {
		c.stop()
	} else if c.err == nil {
		c.err = context.Canceled
	}
}
