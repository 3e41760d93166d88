package breaker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// Config configures a Breaker. Settings.Name and Store are required.
type Config struct {
	Settings Settings
	Store    Store
	// Classify decides what counts. Default Classify.
	Classify Classifier
	Observer Observer
	// Environment is the id of this execution environment. It is unique among
	// all that share the circuit, and no later one uses it again. Default 13
	// random base32 characters (65 bits).
	Environment string
	// Now is the wall clock. Monotonic readings are not used, because a thawed
	// environment must see the time that it was frozen. Default time.Now.
	Now func() time.Time
	// Rand returns random numbers, safe for concurrent use. Default math/rand/v2.
	Rand func() uint64
}

// Breaker is one execution environment's part of a circuit that a whole fleet
// shares. It is safe for concurrent use. It starts no goroutine that outlives
// a call: a read in the background of a call ends before that call's Done
// returns.
type Breaker struct {
	store    Store
	classify Classifier
	observer *Observer
	now      func() time.Time
	rand     func() uint64

	// fast decides calls without the lock.
	fast atomic.Pointer[freshness]

	// shown is what Do passes to calls that are not probes: a Permit that has
	// been reported, so that a call that keeps it cannot report another one's
	// result. The Permit with the report stays on Do's stack.
	shown Permit

	mu   sync.Mutex
	node node
	// The reads that are under way, or nil.
	eventualRead, consistentRead *read
}

// New returns a Breaker that has read nothing yet: see Prime. Its error joins
// that of every setting out of range: see Settings.Validate.
func New(c Config) (*Breaker, error) {
	settings := c.Settings.WithDefaults()
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	if c.Store == nil {
		return nil, errors.New("circuit breaker: Config.Store is nil")
	}
	b := &Breaker{
		store: c.Store, classify: c.Classify, observer: &noObserver, now: c.Now, rand: c.Rand,
	}
	if !reflect.ValueOf(c.Observer).IsZero() {
		b.observer = &c.Observer
	}
	if b.classify == nil {
		b.classify = Classify
	}
	if b.now == nil {
		b.now = time.Now
	}
	if b.rand == nil {
		b.rand = rand.Uint64
	}
	id := c.Environment
	if id == "" {
		id = environmentID(b.rand)
	}
	b.node = node{machine: machine{settings}, id: id}
	b.node.record = &withoutItem
	b.shown.breaker = b
	b.shown.done.Store(true)
	return b, nil
}

// Prime reads the record before the first call, waiting at most
// Settings.PrimeTimeout. Call it while the function initialises, so that a cold
// environment knows of an open circuit and has dialled the store. After an
// error the breaker decides locally until the store answers, so the caller may
// ignore the error.
func (b *Breaker) Prime(ctx context.Context) error {
	if o := b.run(ctx, new(call), b.node.prime); o.err != nil {
		return fmt.Errorf("circuit '%s': first read: %w", b.Name(), o.err)
	}
	return nil
}

// Do calls fn if the circuit admits it, reports the result and returns fn's
// error. If the circuit rejects the call, fn does not run and the error is an
// *OpenError. If ctx has already ended, Do returns its error and reports
// nothing. A panic in fn is reported as a *PanicError and raised again. fn must
// obey its context, which ends a probe before its lease. Its result is the one
// report of the call: Done of the Permit that fn receives does nothing.
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
	shown := &b.shown
	if permit.Probe() {
		bounded, cancel := context.WithDeadline(ctx, permit.Deadline())
		defer cancel()
		ctx, shown = bounded, &Permit{breaker: b, call: permit.call}
		shown.done.Store(true)
	}
	err = fn(ctx, shown)
	returned = true
	permit.Done(err)
	return err
}

// errGoexit is the result of a call that ended its goroutine, as
// testing.T.FailNow does. It is neutral, like a caller's cancellation.
var errGoexit = fmt.Errorf("protected call ended its goroutine: %w", context.Canceled)

// Run is Do for a function that returns a value. The value is returned even if
// fn fails. It is the zero T after a rejection.
func Run[T any](ctx context.Context, b *Breaker, fn func(context.Context, *Permit) (T, error)) (T, error) {
	var result T
	err := b.Do(ctx, func(ctx context.Context, p *Permit) error {
		var err error
		result, err = fn(ctx, p)
		return err
	})
	return result, err
}

// Allow admits a call or rejects it with an *OpenError. The caller must end an
// admitted call with one Permit.Done. While the circuit is closed or open and was
// read recently, Allow costs no I/O, no lock and no allocation, but for one
// rejection in 10 ms, which is that of the others too. Otherwise it may wait
// for one read; a call that goes for the probe may wait up to 250 ms more, for
// two reads and a write. Each operation on the store is bounded by
// Settings.StoreTimeout, the first by PrimeTimeout. Allow never fails because
// the store does.
func (b *Breaker) Allow(ctx context.Context) (Permit, error) {
	now := b.now().UnixMilli()
	switch f := b.fast.Load(); {
	case !f.covers(now):
		return b.allow(ctx)
	case f.rejection != nil:
		return Permit{}, b.rejected(ctx, f.rejection)
	default:
		return Permit{breaker: b, ctx: ctx, epoch: f.epoch, began: now}, nil
	}
}

// counts reports whether successes may have to be counted.
func (b *Breaker) counts() bool {
	if b.node.FailureRate == 0 {
		return false
	}
	f := b.fast.Load()
	return f == nil || f.counts
}

func (b *Breaker) allow(ctx context.Context) (Permit, error) {
	c := new(call)
	o := b.run(ctx, c, b.node.arrive)
	if o.kind == opReject {
		return Permit{}, b.rejected(ctx, o.rejection)
	}
	var ended <-chan struct{}
	if o.backgroundRead {
		ended = b.startBackgroundRead(ctx)
	}
	return Permit{breaker: b, ctx: ctx, epoch: c.epoch, began: b.now().UnixMilli(), call: c, backgroundRead: ended}, nil
}

// rejected reports a rejection to the observer and returns it.
func (b *Breaker) rejected(ctx context.Context, rejection *OpenError) error {
	if b.observer.Rejected != nil {
		b.notify(ctx, notice{rejection: rejection})
	}
	return rejection
}

// Stats reads the circuit with a consistent read and returns its statistics. It
// waits at most Settings.PrimeTimeout and fails if the store does.
func (b *Breaker) Stats(ctx context.Context) (Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, b.node.PrimeTimeout)
	defer cancel()
	r, err := b.store.Load(ctx, b.Name(), true)
	if err != nil {
		return Stats{}, fmt.Errorf("circuit '%s': %w", b.Name(), err)
	}
	return b.node.stats(r, b.now().UnixMilli()), nil
}

// Name returns the circuit's name.
func (b *Breaker) Name() string { return b.node.Name }

// Settings returns the circuit's settings, with defaults filled in.
func (b *Breaker) Settings() Settings { return b.node.Settings }

func environmentID(random func() uint64) string {
	const base32 = "abcdefghijklmnopqrstuvwxyz234567"
	var id [13]byte
	for i := range id {
		id[i] = base32[random()%32]
	}
	return string(id[:])
}
