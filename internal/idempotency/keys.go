package idempotency

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// defaultLease is the lease of a call whose context has no deadline.
	defaultLease = 30 * time.Second
	// margin is the end of a lease in which nothing is sent: time to record and
	// answer, and room for clocks that differ.
	margin = 2 * time.Second
	// firstPause and longestPause bound the pause between two reads of another
	// call's record.
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// ErrMismatch: the key was used for something else.
var ErrMismatch = errors.New("idempotency: the key is bound to another payload")

// InProgressError: another call under the key is not done yet.
type InProgressError struct{ After time.Duration }

func (*InProgressError) Error() string {
	return "idempotency: another call under the key is in progress"
}

// RetryAfter returns when to come back.
func (e *InProgressError) RetryAfter() time.Duration { return e.After }

// StoreError: the records cannot be reached, and nothing was sent.
type StoreError struct{ cause error }

func (e *StoreError) Error() string { return "idempotency: " + e.cause.Error() }
func (e *StoreError) Unwrap() error { return e.cause }

// Config of Keys. Store is required.
type Config struct {
	Store Store
	// Report is called if a record could not be updated. The next call under the
	// key finds out what the record does not say.
	Report func(context.Context, error)
	// Now is for tests.
	Now func() time.Time
}

// Keys keeps the outcome of each key. It is safe for concurrent use.
type Keys struct {
	store  Store
	report func(context.Context, error)
	now    func() time.Time
}

// New returns the Keys of a Store.
func New(c Config) *Keys {
	k := &Keys{store: c.Store, report: c.Report, now: c.Now}
	if k.report == nil {
		k.report = func(context.Context, error) {}
	}
	if k.now == nil {
		k.now = time.Now
	}
	return k
}

// Claim takes the key for a call whose time ends with ctx. While another call
// holds it, it waits for that call's result until ctx ends. Claim.Step says what
// may be done; errors are ErrMismatch, *InProgressError and *StoreError.
func (k *Keys) Claim(ctx context.Context, key Key) (*Claim, error) {
	c, until := k.newClaim(ctx, key)
	waiting, cancel := c.Within(ctx)
	defer cancel()
	for pause, waited := firstPause, false; ; {
		now := k.now()
		switch c.step = c.record.step(key.Payload, now.UnixMilli(), waited); c.step {
		case Replay, Unsure:
			return c, nil
		case Mismatch:
			return nil, ErrMismatch
		case Wait:
			if !Pause(waiting, pause) {
				return nil, c.record.inProgress(now)
			}
			pause, waited = min(2*pause, longestPause), true
			c.reload(ctx)
		default:
			held, err := c.change(ctx, c.record.claimed(key.Payload, now.UnixMilli(), until.UnixMilli()))
			if err != nil {
				return nil, &StoreError{err}
			}
			if held {
				return c, nil
			}
		}
	}
}

// newClaim returns a Claim that holds nothing yet, and the end of its lease.
func (k *Keys) newClaim(ctx context.Context, key Key) (c *Claim, until time.Time) {
	began, lease := k.now(), defaultLease
	if deadline, bounded := ctx.Deadline(); bounded {
		lease = time.Until(deadline)
	}
	until = began.Add(lease)
	return &Claim{keys: k, id: key.id(), caller: rand.Text(), sendUntil: sendUntil(began, until)}, until
}

// sendUntil returns when sending ends under a lease: margin before the lease
// does, or a third of it if that is less.
func sendUntil(began, until time.Time) time.Time {
	return until.Add(-min(margin, until.Sub(began)/3))
}

// Pause reports whether ctx had time for the pause: it does not begin one that
// would outlast ctx.
func Pause(ctx context.Context, pause time.Duration) bool {
	if deadline, bounded := ctx.Deadline(); bounded && time.Until(deadline) < pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil // both may be ready at once
	case <-ctx.Done():
		return false
	}
}

// inProgress returns an error that asks to come back when the lease has ended, or
// sooner, since few calls use all their time.
func (r Record) inProgress(now time.Time) error {
	left := time.UnixMilli(r.LeaseUntil).Sub(now)
	return &InProgressError{After: min(max(left, time.Second), 5*time.Second)}
}

// Claim is a call's hold on its key. It is for one goroutine.
type Claim struct {
	keys       *Keys
	id, caller string
	writes     int
	record     Record
	step       Step
	sendUntil  time.Time
}

// Step is Send, LookUp, Replay or Unsure. The latter two come without a lease.
func (c *Claim) Step() Step { return c.step }

// Label returns the label of the created issue, unless Labelled is false.
func (c *Claim) Label() string { return label(c.id) }

// Labelled reports whether requests carry the label.
func (c *Claim) Labelled() bool { return !c.record.Unlabelled }

// Issue returns the issue of a Replay.
func (c *Claim) Issue() (id, key string) { return c.record.IssueID, c.record.IssueKey }

// Age returns how long the issue can have existed at most.
func (c *Claim) Age() time.Duration {
	return max(c.keys.now().Sub(time.UnixMilli(c.record.BornAt)), 0)
}

// MaySend reports whether a request may be sent although an earlier one may have
// been performed, after a search that found nothing.
func (c *Claim) MaySend() bool { return c.record.maySend(c.keys.now().UnixMilli()) }

// Settles returns how long a search that finds nothing proves nothing.
func (c *Claim) Settles() time.Duration {
	settled := time.UnixMilli(c.record.SentUntil).Add(settleAfter)
	return max(settled.Sub(c.keys.now()), 0)
}

// Within bounds ctx for requests under the claim: it ends before the lease does,
// so that no call sends while another may hold the lease. See Live.
func (c *Claim) Within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.sendUntil.Sub(c.keys.now()))
}

// Live reports, by the wall clock, whether Within's time goes on. Timers stand
// still while a machine is suspended, so ask Live just before a request.
func (c *Claim) Live() bool { return c.keys.now().UnixMilli() < c.sendUntil.UnixMilli() }

// Unlabel records that requests go without the label from now on. If it fails,
// none may be sent.
func (c *Claim) Unlabel(ctx context.Context) error {
	held, err := c.change(ctx, c.record.unlabelled())
	if err == nil && !held {
		err = errors.New("the lease was taken over")
	}
	if err != nil {
		return &StoreError{err}
	}
	return nil
}

// Complete records the issue even if the lease was lost: the issue exists either
// way.
func (c *Claim) Complete(ctx context.Context, issueID, issueKey string) {
	c.end(ctx, Completed, func(r Record) (next Record, due bool) {
		return r.completed(issueID, issueKey), r.State != Completed
	})
}

// Release records that this call's requests, if any, created nothing.
func (c *Claim) Release(ctx context.Context) {
	c.end(ctx, Released, func(r Record) (next Record, due bool) { return r.released(), c.holds(r) })
}

// Unknown records that this call sent a request that may have been performed.
func (c *Claim) Unknown(ctx context.Context) {
	now := c.keys.now().UnixMilli()
	c.end(ctx, Unknown, func(r Record) (next Record, due bool) { return r.unknown(now), c.holds(r) })
}

func (c *Claim) holds(r Record) bool {
	return strings.HasPrefix(r.Writer, c.caller) && r.State == InProgress
}

// end writes a call's last record, made from the stored one. That can differ from
// the one the call knows: others write, and replies are lost. The outcome is
// recorded even if the caller is gone.
func (c *Claim) end(ctx context.Context, state State, last func(Record) (next Record, due bool)) {
	for range 3 {
		next, due := last(c.record)
		if !due {
			return
		}
		held, err := c.change(context.WithoutCancel(ctx), next)
		if err != nil {
			c.keys.report(ctx, fmt.Errorf("idempotency: %s is not recorded: %w", state, err))
		}
		if held || err != nil {
			return
		}
	}
}

// reload reads the record again. Errors are ignored; the caller polls again.
func (c *Claim) reload(ctx context.Context) {
	if r, err := c.keys.store.Load(ctx, c.id); err == nil {
		c.record = r
	}
}

// change replaces the known record by next and reports whether the known one was
// still stored. In either case it keeps the stored one.
func (c *Claim) change(ctx context.Context, next Record) (held bool, err error) {
	c.writes++
	next.Writer = c.caller + "." + strconv.Itoa(c.writes)
	now, held, err := c.keys.store.Change(ctx, c.id, c.record, next)
	if err == nil {
		c.record = now
	}
	return held, err
}
