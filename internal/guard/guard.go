// Package guard makes a call to somebody else's service survive that service's
// bad days: a fleet-wide circuit breaker around a retry loop around a bounded
// try. A call is one guarded operation; a try is one request of it. The breaker
// counts calls, not tries.
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
	// Retry is when a failed try is repeated. Its Reserve is also kept free of
	// a try's time, where the context's deadline allows.
	Retry retry.Policy
	// TryTimeout bounds one try, 1 ms to 15 min.
	TryTimeout time.Duration
	// Operations are the names of what may be called, such as
	// "jira.search_issues". Two Guards of one process that share a name must
	// have the same TryTimeout and MaxConcurrent.
	Operations []string
	// MaxConcurrent bounds the calls in flight, of all operations together.
	// Further ones get ErrBusy. Default DefaultMaxConcurrent, at most 1000.
	MaxConcurrent int
	// Classify is the breaker's classifier; here it is for what is reported.
	// Default breaker.Classify.
	Classify breaker.Classifier
	// Retryable tells whether a try may be made again after err, which wraps
	// context.DeadlineExceeded where the try ran out of time. Default: what
	// Classify calls a failure.
	Retryable func(err error) bool
	// Report is told of each call when it has ended, rejected ones included,
	// on the caller's goroutine. A panic in it is swallowed.
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
	follows    bool // see FollowUp
}

// New returns a Guard. It reports every setting that is out of range, and an
// operation that another Guard of this process has with other settings.
func New(c Config) (*Guard, error) { return newGuard(c, switchedOff{}) }

func newGuard(c Config, off switchedOff) (*Guard, error) {
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
		command, err := newCommand(operation, c.TryTimeout, 2*c.MaxConcurrent, off)
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

// FollowUp returns a Guard of the same calls for what is asked after one of them
// has failed, such as what became of it. It has the same circuit and limits, but
// that such a call fails too is neutral: to the caller both are one operation,
// and one operation is one failure.
func (g *Guard) FollowUp() *Guard {
	follower := *g
	follower.follows = true
	follower.classify = func(err error) breaker.Outcome {
		o := g.classify(err)
		if o.Verdict == breaker.Failed {
			o.Verdict = breaker.Neutral
		}
		return o
	}
	return &follower
}

// Run makes the call that fn is one try of. The circuit may reject it
// (*breaker.OpenError), or the bulkhead (ErrBusy); a try that fails for a
// passing reason is made again as the policy says, unless the call is the
// circuit's probe or the circuit has opened meanwhile. The outcome is recorded
// and reported before Run returns.
//
// The error is what the last try returned, with Attempts attached. A try that
// ran out of time is a context.DeadlineExceeded. A panic in fn is a failure,
// reported and raised again here with its own value.
//
// fn runs on another goroutine, one try at a time. It must obey its context: a
// try that does not is given up a quarter of a second after its end, is not
// repeated, and takes one of MaxConcurrent until it ends. It must not end its
// goroutine, as testing.T.FailNow does.
func Run[T any](ctx context.Context, g *Guard, operation string, fn func(context.Context) (T, error)) (T, error) {
	var value T
	err := g.run(ctx, operation, func(tryCtx context.Context, c *command, s *slot) (err error) {
		// By the caller's deadline: a probe's own needs no reserve before it.
		value, err = execute(tryCtx, c, g.tryTime(ctx), s, fn)
		return err
	})
	return value, err
}

// tryFunc makes one try, which holds s until it ends.
type tryFunc func(ctx context.Context, c *command, s *slot) error

// run makes and reports a call.
func (g *Guard) run(ctx context.Context, operation string, try tryFunc) error {
	command, known := g.commands[operation]
	if !known {
		return fmt.Errorf("guard: unknown operation %q", operation)
	}
	call := Call{Operation: operation}
	if g.breaker != nil {
		call.Circuit = g.breaker.Name()
	}
	began := time.Now()
	err := g.protect(ctx, &call, func(ctx context.Context, s *slot) error { return try(ctx, command, s) })
	call.Duration = time.Since(began)

	// A brokenTry stays in here, lest a Guard around this one take it for its own.
	var broken *brokenTry
	if errors.As(err, &broken) {
		err = broken.error
	}
	call.judge(err, broken, g.classify)
	g.tell(ctx, call)
	if call.Outcome == Panicked {
		panic(broken.value)
	}
	if err != nil && call.Attempts > 0 {
		return &attempted{error: err, attempts: call.Attempts, rejectsFor: call.rejectsFor}
	}
	return err
}

// protect makes the call if there is a slot for it and the circuit, if there is
// one, admits it. Slots come first: a call that finds none would take the
// circuit's probe for nothing.
func (g *Guard) protect(ctx context.Context, call *Call, try func(context.Context, *slot) error) error {
	slot, err := g.bulkhead.enter()
	if err != nil {
		return &brokenTry{error: err}
	}
	defer slot.release()
	var admitted *breaker.Permit
	var own error // the call's, whatever the circuit is told
	tries := func(ctx context.Context, permit *breaker.Permit) error {
		admitted = permit
		own = g.tries(ctx, call, permit, func(ctx context.Context) error { return try(ctx, slot) })
		if own != nil && (neverRan(own) || g.follows && g.verdict(own) == breaker.Neutral) {
			return errUntold
		}
		return own
	}
	if g.breaker == nil {
		err = tries(ctx, new(breaker.Permit))
	} else {
		err = g.breaker.Do(ctx, tries)
	}
	switch {
	case admitted == nil && errors.Is(err, breaker.ErrOpen):
		return err
	case admitted == nil: // the caller's time was over
		return &brokenTry{error: err}
	case own != nil && call.Attempts > 0 && g.verdict(own) == breaker.Failed:
		call.rejectsFor = rejectsFor(ctx, admitted)
	}
	return own
}

func (g *Guard) verdict(err error) breaker.Verdict { return g.classify(err).Verdict }

// errUntold tells the breaker that nothing is to be learnt of the dependency. It
// takes the guise of the caller's cancellation, which every classifier knows.
var errUntold = fmt.Errorf("not to be counted: %w", context.Canceled)

// rejectsFor tells how long the circuit rejects calls after one that failed, which
// costs nothing as a rule: writing the failure has just brought the record.
func rejectsFor(ctx context.Context, admitted *breaker.Permit) time.Duration {
	var open *breaker.OpenError
	if !errors.As(admitted.Check(context.WithoutCancel(ctx)), &open) {
		return 0
	}
	return open.RetryAfter
}

// tries makes the tries of an admitted call.
func (g *Guard) tries(ctx context.Context, call *Call, permit *breaker.Permit, try func(context.Context) error) error {
	policy := g.policy
	call.Probe = permit.Probe()
	if call.Probe {
		policy.MaxRetries = 0
	}
	options := retry.Options{
		Continue: permit.Check,
		Retryable: func(err error) bool {
			var broken *brokenTry
			return !errors.As(err, &broken) && g.retryable(err)
		},
	}
	tries, err := retry.Do(ctx, policy, options, try)
	if neverRan(err) {
		tries--
	}
	call.Attempts = tries
	return err
}

// tryTime is how long a try may take: less than the configured time where the
// deadline of ctx is near, for a call that ends with the invocation is neither
// recorded nor answered.
func (g *Guard) tryTime(ctx context.Context) time.Duration {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return g.tryTimeout
	}
	left := time.Until(deadline)
	return min(g.tryTimeout, max(left-g.policy.Reserve, left/2))
}

// tell reports a call; what watches it cannot break it.
func (g *Guard) tell(ctx context.Context, call Call) {
	defer func() { _ = recover() }()
	g.report(ctx, call)
}
