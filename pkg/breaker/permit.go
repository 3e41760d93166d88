package breaker

import (
	"context"
	"sync/atomic"
	"time"
)

// Permit is the admission of one call. It must not be copied. Its methods are
// safe for concurrent use. The zero Permit belongs to no breaker and does
// nothing.
type Permit struct {
	breaker        *Breaker
	ctx            context.Context // for the values that observers and stores read from it
	epoch          int64
	began          int64           // Unix ms, by Config.Now
	call           *call           // nil: admitted without the lock
	backgroundRead <-chan struct{} // closed when the read in the background has ended
	done           atomic.Bool
}

// Probe reports whether this call decides if the circuit closes. A probe is one
// try: do not retry it.
func (p *Permit) Probe() bool { return p.call != nil && p.call.probe }

// Deadline returns the time by which a probe must have ended: after it a success
// does not count and another probe may begin. Bound the call's context by it, as
// Do does. It is the zero time for a call that is not a probe.
func (p *Permit) Deadline() time.Time {
	if !p.Probe() {
		return time.Time{}
	}
	return time.UnixMilli(p.breaker.node.probeDeadline(*p.call.claim))
}

// Check returns an *OpenError if the circuit has opened since the call was
// admitted, so that another try is not worth making. It returns no other error.
// Like Allow, it first reads a record that is too old, for at most
// Settings.StoreTimeout. A probe always passes. Check reports nothing: the
// caller must still call Done.
func (p *Permit) Check(ctx context.Context) error {
	if p.breaker == nil || p.Probe() {
		return nil
	}
	if o := p.breaker.run(ctx, new(call), p.breaker.node.check); o.kind == opReject {
		return o.rejection
	}
	return nil
}

// Done reports the call's result, which the breaker's Classifier judges. nil is
// a success. Only the first report counts, and for a call of Do only Do's own. A
// success on a closed circuit costs nothing, unless there is a
// Settings.FailureRate and a failure in the window: then one in so many is
// written. A failure and the result of a probe are written before Done returns,
// even if the caller's context has ended; each operation is bounded by
// Settings.StoreTimeout.
func (p *Permit) Done(err error) {
	if p.breaker == nil || !p.done.CompareAndSwap(false, true) {
		return
	}
	var o Outcome
	if err != nil {
		o = p.breaker.classify(err)
	}
	if o.Verdict == Succeeded && p.slow() {
		o = Outcome{Verdict: Failed, Reason: ReasonSlow}
	}
	if o.Verdict == Failed || p.Probe() || o.Verdict == Succeeded && p.breaker.counts() {
		p.report(o)
	}
	if p.backgroundRead != nil {
		<-p.backgroundRead
	}
}

// slow reports whether the call has taken longer than Settings.SlowCall.
func (p *Permit) slow() bool {
	limit := p.breaker.node.SlowCall
	return limit > 0 && msDuration(p.breaker.now().UnixMilli()-p.began) > limit
}

func (p *Permit) report(o Outcome) {
	c := p.call
	if c == nil {
		c = &call{epoch: p.epoch}
	}
	b := p.breaker
	b.run(p.ctx, c, func(c *call, e event) op { return b.node.report(c, o, e) })
}
