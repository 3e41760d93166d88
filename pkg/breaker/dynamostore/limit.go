package dynamostore

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"
	"time"
)

var errSlow = errors.New("no answer from the table")

// replyLimit ends an operation once connections have been at hand for so long
// without an answer. The time is the operation's, over all its attempts; it
// stands still while a connection is dialled, as one must be that died while
// the environment was frozen.
type replyLimit struct {
	expire func()

	mu    sync.Mutex
	left  time.Duration
	since time.Time
	timer *time.Timer // nil: no connection is at hand
}

// limitReply allows a third of the time that ctx has for the reply: that, and
// dialling, each need a limit of their own.
func limitReply(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	l := &replyLimit{left: time.Until(deadline) / 3, expire: func() { cancel(errSlow) }}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { l.pause() },
		GotConn: func(httptrace.GotConnInfo) { l.resume() },
	})
	return ctx, func() {
		l.pause()
		cancel(nil)
	}
}

func (l *replyLimit) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since, l.timer = time.Now(), time.AfterFunc(l.left, l.expire)
}

func (l *replyLimit) pause() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		return
	}
	l.timer.Stop()
	l.left -= time.Since(l.since)
	l.timer = nil
}

// cause is err, unless it is only the consequence of the limit.
func cause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSlow) {
		return errSlow
	}
	return err
}
