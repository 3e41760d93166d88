package breaker

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// errGoexit is the outcome of a call whose goroutine ended under it, as
// testing.T.FailNow does: the caller went away.
var errGoexit = fmt.Errorf("protected call ended its goroutine: %w", context.Canceled)

// Permit is the admission of one call. It is not to be copied. Its methods are
// safe for concurrent use. The zero Permit belongs to no breaker and does
// nothing.
type Permit struct {
	breaker        *Breaker
	ctx            context.Context // for the values that observers and stores want of it
	epoch          int64
	call           *call           // nil: admitted from the cache
	backgroundRead <-chan struct{} // closed when the read beside the call has ended
	done           atomic.Bool
}

// Probe tells whether this call decides if the circuit closes. A probe is made
// once: do not retry it.
func (p *Permit) Probe() bool { return p.call != nil && p.call.probe }

// Deadline is when a probe must have ended for its success to count and for no
// other to overlap it: bound the call's context by it, as Do does. It is the
// zero time for a call that is not a probe.
func (p *Permit) Deadline() time.Time {
	if !p.Probe() {
		return time.Time{}
	}
	return time.UnixMilli(p.breaker.node.probeDeadline(p.call.claim))
}

// Check tells, between the tries of one call, whether another is worth making:
// it returns an *OpenError if the circuit has opened since, and never another
// error. It reads the record if what is known of it is old, as Allow does, each
// read bounded by Settings.StoreTimeout. A probe always passes. It reports
// nothing: Done is still to be called.
func (p *Permit) Check(ctx context.Context) error {
	if p.breaker == nil || p.Probe() {
		return nil
	}
	o, _ := p.breaker.run(ctx, new(call), p.breaker.node.check)
	if o.kind == opReject {
		return o.rejection
	}
	return nil
}

// Done reports the call's result, which the breaker's Classifier judges; nil is
// a success. Only the first report counts. A success on a closed circuit costs
// nothing; a failure and a probe's result are written before Done returns, each
// operation bounded by Settings.StoreTimeout and unharmed by the caller's
// cancellation.
func (p *Permit) Done(err error) {
	if p.breaker == nil || !p.done.CompareAndSwap(false, true) {
		return
	}
	var o Outcome
	if err != nil {
		o = p.breaker.classify(err)
	}
	if o.Verdict == Failed || p.Probe() {
		p.breaker.report(p.ctx, p.call, p.epoch, o)
	}
	if p.backgroundRead != nil {
		<-p.backgroundRead
	}
}

func (b *Breaker) report(ctx context.Context, c *call, epoch int64, o Outcome) {
	if c == nil {
		c = &call{epoch: epoch}
	}
	b.run(ctx, c, func(c *call, e event) op { return b.node.report(c, o, e) })
}

// Do makes the call if the circuit admits it, reports its result and returns
// its error. A rejection is an *OpenError and fn does not run. A panic in fn
// is reported as a *PanicError and goes on. fn must obey its context, which
// ends a probe before its lease does, and need not call Done. A context that
// has ended already says nothing of the dependency: Do returns its error.
func (b *Breaker) Do(ctx context.Context, fn func(context.Context, *Permit) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	permit, err := b.Allow(ctx)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			permit.Done(&PanicError{Value: v})
			panic(v)
		}
		permit.Done(errGoexit)
	}()
	if permit.Probe() {
		bounded, cancel := context.WithDeadline(ctx, permit.Deadline())
		defer cancel()
		ctx = bounded
	}
	err = fn(ctx, &permit)
	returned = true
	permit.Done(err)
	return err
}

// Run is Do for a call that has a result, which is returned with the call's own
// error too. After a rejection it is the zero T.
func Run[T any](ctx context.Context, b *Breaker, fn func(context.Context, *Permit) (T, error)) (T, error) {
	var result T
	err := b.Do(ctx, func(ctx context.Context, p *Permit) error {
		var err error
		result, err = fn(ctx, p)
		return err
	})
	return result, err
}
