// Package guard protects calls to another service: a circuit breaker shared by
// the fleet, around a retry loop, around a bounded try. A call is one guarded
// operation; a try is one request of it. The breaker counts calls, not tries.
package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// DefaultMaxConcurrent is below what Atlassian asks clients to stay under, 5 to
// 10 requests at once.
const DefaultMaxConcurrent = 10

// Config of a Guard. TryTimeout and Operations are required.
type Config struct {
	// Breaker is the circuit; nil means none.
	Breaker *breaker.Breaker
	// Retry says when a failed try is repeated. Its Reserve also shortens a try
	// that would end too close to the context's deadline.
	Retry retry.Policy
	// TryTimeout bounds one try, 1 ms to 15 min.
	TryTimeout time.Duration
	// Operations are the names of the operations that Run accepts, such as
	// "jira.search_issues". Two Guards of one process that share a name must
	// have the same TryTimeout and MaxConcurrent.
	Operations []string
	// MaxConcurrent bounds the calls in flight, over all operations. Run returns
	// ErrBusy for a call beyond it. Default DefaultMaxConcurrent, at most 1000.
	MaxConcurrent int
	// Classify must be the breaker's classifier. It also decides what Report is
	// called with. Default breaker.Classify.
	Classify breaker.Classifier
	// Retryable reports whether a try may be repeated after err, which wraps
	// context.DeadlineExceeded if the try ran out of time. Default: every error
	// that Classify calls a failure.
	Retryable func(err error) bool
	// Report is called with each call that has ended, rejected ones included, on
	// the caller's goroutine. A panic in it is swallowed.
	Report func(context.Context, Call)
}

// Guard protects the operations of one dependency. It is safe for concurrent
// use. No goroutine of its own outlives a call, unless the called function
// ignores its context.
type Guard struct {
	breaker    *breaker.Breaker
	policy     retry.Policy
	tryTimeout time.Duration
	commands   map[string]*command
	bulkhead   bulkhead
	classify   breaker.Classifier
	retryable  func(error) bool
	report     func(context.Context, Call)
}

// New returns a Guard. The error names every setting that is out of range, or an
// operation that another Guard of this process uses with other settings.
func New(c Config) (*Guard, error) {
	if c.MaxConcurrent == 0 {
		c.MaxConcurrent = DefaultMaxConcurrent
	}
	if c.Classify == nil {
		c.Classify = breaker.Classify
	}
	if c.Retryable == nil {
		c.Retryable = func(err error) bool { return c.Classify(err).Verdict == breaker.Failed }
	}
	if c.Report == nil {
		c.Report = func(context.Context, Call) {}
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	g := &Guard{
		breaker: c.Breaker, policy: c.Retry, tryTimeout: c.TryTimeout,
		commands: make(map[string]*command, len(c.Operations)), bulkhead: newBulkhead(c.MaxConcurrent),
		classify: c.Classify, retryable: c.Retryable, report: c.Report,
	}
	for _, operation := range c.Operations {
		// Twice the bulkhead: hystrix's pool is never what limits.
		command, err := newCommand(operation, c.TryTimeout, 2*c.MaxConcurrent)
		if err != nil {
			return nil, fmt.Errorf("guard: %w", err)
		}
		g.commands[operation] = command
	}
	return g, nil
}

func (c Config) validate() error {
	errs := []error{c.Retry.Validate()}
	if c.TryTimeout < time.Millisecond || c.TryTimeout > 15*time.Minute {
		errs = append(errs, fmt.Errorf("try_timeout %s: want 1ms to 15m", c.TryTimeout))
	}
	if c.MaxConcurrent < 1 || c.MaxConcurrent > 1000 {
		errs = append(errs, fmt.Errorf("max_concurrent %d: want 1 to 1000", c.MaxConcurrent))
	}
	if len(c.Operations) == 0 {
		errs = append(errs, errors.New("no operations"))
	}
	return errors.Join(errs...)
}

// An Option changes how Run treats one call.
type Option func(*Call)

// FollowUp marks a call that is part of an operation whose first call has
// failed, such as the search for an issue that a failed create may have made.
// Its own failure is neutral: one operation counts as one failure. Otherwise it
// is admitted, bounded and recorded like any call.
func FollowUp() Option { return func(c *Call) { c.followUp = true } }

// Run makes one call, and fn is one try of it. The circuit may reject the call
// (*breaker.OpenError), or the bulkhead (ErrBusy). A failed try is repeated as
// Config.Retry and Config.Retryable say, unless the call is the circuit's probe
// or the circuit has opened meanwhile. The outcome is recorded and reported
// before Run returns.
//
// The error is that of the last try; Attempts returns the number of tries behind
// it. A try that ran out of time returns context.DeadlineExceeded. A panic in fn
// is recorded as a failure and raised again here with its own value.
//
// fn runs on another goroutine, one try at a time. It must obey its context: a
// try that does not is abandoned a quarter of a second after its timeout, is not
// repeated, and keeps its place among MaxConcurrent until it ends. fn must not
// end its goroutine, as testing.T.FailNow does.
func Run[T any](ctx context.Context, g *Guard, operation string, fn func(context.Context) (T, error), options ...Option) (T, error) {
	var value T
	err := g.run(ctx, operation, options, func(tryCtx context.Context, c *command, s *slot) (err error) {
		// By the caller's deadline: the probe's own needs no reserve before it.
		value, err = execute(tryCtx, c, g.tryTime(ctx), s, fn)
		return err
	})
	return value, err
}

// tryFunc makes one try, which holds s until it ends.
type tryFunc func(ctx context.Context, c *command, s *slot) error

// run makes a call and reports it.
func (g *Guard) run(ctx context.Context, operation string, options []Option, try tryFunc) error {
	command, known := g.commands[operation]
	if !known {
		return fmt.Errorf("guard: unknown operation %q", operation)
	}
	call := Call{Operation: operation}
	if g.breaker != nil {
		call.Circuit = g.breaker.Name()
	}
	for _, option := range options {
		option(&call)
	}
	began := time.Now()
	err := g.protect(ctx, &call, func(ctx context.Context, s *slot) error { return try(ctx, command, s) })
	call.Duration = time.Since(began)

	// Unwrap: an outer Guard must not mistake a *tryError for its own.
	var broken *tryError
	if errors.As(err, &broken) {
		err = broken.error
	}
	call.Err = err
	g.notify(ctx, call)
	if call.Outcome == Panicked {
		panic(broken.value)
	}
	if err != nil && call.Attempts > 0 {
		return &attempted{error: err, attempts: call.Attempts, rejectsFor: call.rejectsFor}
	}
	return err
}

// protect takes a slot, asks the circuit, makes the tries and records the
// outcome. The slot comes first: a call without one would waste the circuit's
// probe.
func (g *Guard) protect(ctx context.Context, call *Call, try func(context.Context, *slot) error) error {
	slot, err := g.bulkhead.enter()
	if err != nil {
		call.conclude(neverMade(err))
		return err
	}
	defer slot.release()
	if err := ctx.Err(); err != nil {
		call.conclude(neverMade(err))
		return err
	}
	permit, err := g.admit(ctx)
	if err != nil {
		call.reject(err)
		return err
	}
	defer permit.Done(errNeutral) // for a panic in here: only the first report counts

	tryCtx, cancel := boundProbe(ctx, &permit)
	defer cancel()
	err = g.tries(tryCtx, call, &permit, func(ctx context.Context) error { return try(ctx, slot) })
	o := g.outcome(err, call.followUp)
	if o.Verdict == breaker.Neutral {
		permit.Done(errNeutral)
	} else {
		permit.Done(err)
	}
	if o.Verdict == breaker.Failed {
		call.rejectsFor = rejectsFor(ctx, &permit)
	}
	call.conclude(o)
	call.panicked(err)
	return err
}

// admit asks the circuit. Without one every call is admitted, by a Permit that
// does nothing.
func (g *Guard) admit(ctx context.Context) (breaker.Permit, error) {
	if g.breaker == nil {
		return breaker.Permit{}, nil
	}
	return g.breaker.Allow(ctx)
}

// tries makes the tries of an admitted call.
func (g *Guard) tries(ctx context.Context, call *Call, permit *breaker.Permit, try func(context.Context) error) error {
	call.Probe = permit.Probe()
	options := retry.Options{
		Continue: permit.Check,
		Retryable: func(err error) bool {
			var broken *tryError
			return !errors.As(err, &broken) && g.retryable(err)
		},
	}
	tries, err := retry.Do(ctx, probeOnce(g.policy, permit), options, try)
	if neverRan(err) {
		tries--
	}
	call.Attempts = tries
	return err
}

// outcome returns what the error of an admitted call says about the dependency.
// It is the only place that decides that.
func (g *Guard) outcome(err error, followUp bool) breaker.Outcome {
	switch {
	case err == nil:
		return breaker.Outcome{}
	case neverRan(err):
		return neverMade(err)
	}
	o := g.classify(err)
	if followUp && o.Verdict == breaker.Failed {
		o.Verdict = breaker.Neutral
	}
	return o
}

// neverMade returns the outcome of a call, or of its last try, that did not
// begin: it says nothing about the dependency.
func neverMade(err error) breaker.Outcome {
	reason := ReasonNoTime
	if errors.Is(err, ErrBusy) {
		reason = ReasonBusy
	}
	return breaker.Outcome{Verdict: breaker.Neutral, Reason: reason}
}

// errNeutral makes the breaker record nothing. It wraps context.Canceled, which
// every classifier treats as neutral.
var errNeutral = fmt.Errorf("not to be counted: %w", context.Canceled)

// rejectsFor returns how long the circuit rejects calls after one that failed,
// or 0. As a rule it costs no read: writing the failure returned the record.
func rejectsFor(ctx context.Context, permit *breaker.Permit) time.Duration {
	var open *breaker.OpenError
	if !errors.As(permit.Check(context.WithoutCancel(ctx)), &open) {
		return 0
	}
	return open.RetryAfter
}

// tryTime returns how long a try may take: less than TryTimeout where the
// deadline of ctx is near, because a call that ends with the invocation is
// neither recorded nor answered.
func (g *Guard) tryTime(ctx context.Context) time.Duration {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return g.tryTimeout
	}
	left := time.Until(deadline)
	return min(g.tryTimeout, max(left-g.policy.Reserve, left/2))
}

// notify calls Report, whose panic must not break the call.
func (g *Guard) notify(ctx context.Context, call Call) {
	defer func() { _ = recover() }()
	g.report(ctx, call)
}
