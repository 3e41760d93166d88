package dynamostore

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"
	"time"
)

var errNoReply = errors.New("no reply from the table")

// limitReply limits the time that an operation waits for replies to a third of
// the time that ctx has, and leaves the rest for dialling. The limit is for all
// attempts of the operation together: the timer runs while an attempt has a
// connection, and not while one is dialled.
func limitReply(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	reply := &stopwatch{left: time.Until(deadline) / 3, expire: func() { cancel(errNoReply) }}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { reply.stop() },
		GotConn: func(httptrace.GotConnInfo) { reply.start() },
	})
	return ctx, func() {
		reply.stop()
		cancel(nil)
	}
}

// stopwatch calls expire after it has run for a time, which can be interrupted.
type stopwatch struct {
	expire func()

	mu      sync.Mutex
	left    time.Duration
	started time.Time
	timer   *time.Timer // nil while stopped
}

func (w *stopwatch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started, w.timer = time.Now(), time.AfterFunc(w.left, w.expire)
}

func (w *stopwatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil {
		return
	}
	w.timer.Stop()
	w.left -= time.Since(w.started)
	w.timer = nil
}

// cause returns errNoReply if the limit has ended the operation, else err.
func cause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errNoReply) {
		return errNoReply
	}
	return err
}
