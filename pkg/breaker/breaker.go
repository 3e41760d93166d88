package breaker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Config of a Breaker. Settings.Name and Store are required.
type Config struct {
	Settings Settings
	Store    Store
	// Classify decides what counts. Default Classify.
	Classify Classifier
	Observer Observer
	// Environment is the id of this execution environment, unique among all
	// that share the circuit and never used again by a later one. Default 13
	// random base32 characters (65 bits).
	Environment string
	// Now is the wall clock; monotonic readings are not used, since a thawed
	// environment must see the time that it was frozen. Default time.Now.
	Now func() time.Time
	// Rand gives random numbers, safe for concurrent use. Default math/rand/v2.
	Rand func() uint64
}

// Breaker is one execution environment's part of a circuit that a whole fleet
// shares. It is safe for concurrent use. It starts no goroutine that outlives
// a call: a read that runs beside a call ends before that call's Done returns.
type Breaker struct {
	store    Store
	classify Classifier
	observer Observer
	now      func() time.Time
	rand     func() uint64

	// fast answers the calls of a closed circuit without the lock.
	fast atomic.Pointer[freshness]

	mu    sync.Mutex
	node  node
	reads map[bool]*read // under way, by consistency
}

// freshness is a time in which a closed record is trusted as it is.
type freshness struct {
	from, until int64
	epoch       int64
}

// read is a read of the record that concurrent calls share.
type read struct {
	done   chan struct{}
	sent   int64
	record Record
	err    error
}

// New returns a Breaker that has read nothing yet: see Prime. It reports every
// setting that is out of range.
func New(c Config) (*Breaker, error) {
	settings := c.Settings.WithDefaults()
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	if c.Store == nil {
		return nil, errors.New("circuit breaker: Config.Store is nil")
	}
	b := &Breaker{
		store: c.Store, classify: c.Classify, observer: c.Observer, now: c.Now, rand: c.Rand,
		reads: make(map[bool]*read),
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
	b.node.record = missing()
	return b, nil
}

func environmentID(random func() uint64) string {
	const base32 = "abcdefghijklmnopqrstuvwxyz234567"
	var id [13]byte
	for i := range id {
		id[i] = base32[random()%32]
	}
	return string(id[:])
}

// Name is the circuit's name.
func (b *Breaker) Name() string { return b.node.Name }

// Settings are the circuit's, defaults filled in.
func (b *Breaker) Settings() Settings { return b.node.Settings }

// Prime reads the record before the first call, waiting at most
// Settings.PrimeTimeout: call it while the function initialises, so that a
// cold environment knows of an open circuit and has dialled the store. After
// an error the breaker decides locally until the store answers; the error is
// for information.
func (b *Breaker) Prime(ctx context.Context) error {
	var c call
	_, err := b.run(ctx, &c, b.node.prime)
	if err != nil {
		return fmt.Errorf("circuit '%s': first read: %w", b.Name(), err)
	}
	return nil
}

// Allow admits a call or rejects it with an *OpenError. An admitted call ends
// with exactly one Permit.Done. While the circuit is closed and was read
// recently it costs no I/O, no lock and no allocation; otherwise it may wait
// for one read, and a call that goes for the probe for up to 250 ms, two reads
// and a write. Each operation on the store is bounded by Settings.StoreTimeout,
// and the first by PrimeTimeout. Allow never fails because the store does.
func (b *Breaker) Allow(ctx context.Context) (Permit, error) {
	now := b.now().UnixMilli()
	if l := b.fast.Load(); l != nil && l.from <= now && now <= l.until {
		return Permit{breaker: b, ctx: ctx, epoch: l.epoch}, nil
	}
	return b.allow(ctx)
}

func (b *Breaker) allow(ctx context.Context) (Permit, error) {
	c := new(call)
	o, _ := b.run(ctx, c, b.node.arrive)
	if o.kind == opReject {
		b.notify(ctx, notice{rejection: o.rejection})
		return Permit{}, o.rejection
	}
	var beside <-chan struct{}
	if o.backgroundRead {
		beside = b.startBackgroundRead(ctx)
	}
	return Permit{breaker: b, ctx: ctx, epoch: c.epoch, call: c, backgroundRead: beside}, nil
}

func (b *Breaker) startBackgroundRead(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.run(ctx, new(call), b.node.refresh)
	}()
	return done
}

// Stats reads the circuit, strongly consistently, and reports how it stands.
// It waits at most Settings.PrimeTimeout and fails if the store does.
func (b *Breaker) Stats(ctx context.Context) (Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, b.node.PrimeTimeout)
	defer cancel()
	r, err := b.store.Load(ctx, b.Name(), true)
	if err != nil {
		return Stats{}, fmt.Errorf("circuit '%s': %w", b.Name(), err)
	}
	return b.node.stats(r, b.now().UnixMilli()), nil
}

// run carries a call on until nothing is left to do. The error is that of the
// last operation that failed, for those who want to know.
func (b *Breaker) run(ctx context.Context, c *call, begin func(*call, event) op) (op, error) {
	var failed error
	step, e := begin, event{}
	for {
		e.now, e.random, e.left = b.now().UnixMilli(), b.rand(), b.timeLeft(ctx)
		o := b.step(ctx, c, e, step)
		if o.kind <= opDone {
			return o, failed
		}
		e = b.perform(ctx, o)
		if e.err != nil && o.kind.onStore() {
			failed = e.err
		}
		step = b.node.replied
	}
}

func (b *Breaker) step(ctx context.Context, c *call, e event, step func(*call, event) op) op {
	b.mu.Lock()
	o := step(c, e)
	b.fast.Store(b.node.freshness(b.fast.Load()))
	b.mu.Unlock()
	for _, n := range o.notices {
		b.notify(ctx, n)
		if n.inHistory {
			b.recordHistory(ctx, *n.transition)
		}
	}
	return o
}

// freshness gives the time for which the record may be trusted as it is, or nil.
func (n *node) freshness(last *freshness) *freshness {
	if !n.known || n.storeOutage.since != 0 || n.record.State != Closed || n.MaxAge < 0 {
		return nil
	}
	if _, mode := n.effectiveState(n.record, n.answered); mode != "" {
		return nil
	}
	until := n.sent + min(ms(n.RefreshAfter), ms(n.MaxAge))
	if n.hasRecentFailure(n.answered) {
		until = n.sent + failingMaxAge
	}
	next := freshness{from: n.sent, until: until, epoch: n.record.Epoch}
	if last != nil && *last == next {
		return last
	}
	return &next
}

// left is how many ms the caller has.
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

// perform does one operation. Those on the store are detached from the
// caller's cancellation: a write half sent would leave its outcome unknown,
// and a read is shared with others.
func (b *Breaker) perform(ctx context.Context, o op) (e event) {
	if o.kind == opWait {
		sleep(ctx, msDuration(o.wait))
		return event{}
	}
	timeout := b.node.StoreTimeout
	if o.cold {
		timeout = b.node.PrimeTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	e = event{sent: b.now().UnixMilli(), authoritative: true}
	defer func() {
		// A store that panics is a store that fails: the call's progress, and the
		// slot it may hold, must not be left half-way.
		if v := recover(); v != nil {
			e.err = fmt.Errorf("store panicked: %v", v)
		}
	}()
	switch o.kind {
	case opLoad:
		r := b.load(ctx, o.consistent)
		e.sent, e.record, e.err, e.authoritative = r.sent, r.record, r.err, o.consistent
	case opAppend:
		e.record, e.held, e.err = b.store.AppendFailure(ctx, b.Name(), o.failure)
	case opPrune:
		e.record, e.held, e.err = b.store.PruneFailures(ctx, b.Name(), o.epoch, o.ids)
	case opChange:
		e.record, e.held, e.err = b.store.Change(ctx, b.Name(), o.change)
	}
	return e
}

// load reads the record, sharing a read of the same kind that is under way.
func (b *Breaker) load(ctx context.Context, consistent bool) *read {
	b.mu.Lock()
	if r := b.reads[consistent]; r != nil {
		b.mu.Unlock()
		<-r.done
		return r
	}
	r := &read{done: make(chan struct{}), sent: b.now().UnixMilli(), err: errors.New("store panicked")}
	b.reads[consistent] = r
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.reads, consistent)
		b.mu.Unlock()
		close(r.done)
	}()
	r.record, r.err = b.store.Load(ctx, b.Name(), consistent)
	return r
}

// sleep ends early with its context; what follows looks at the time left.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// notify gives a notice to the observer, whose panic must not break the call.
func (b *Breaker) notify(ctx context.Context, n notice) {
	defer func() { _ = recover() }()
	switch {
	case n.transition != nil && n.transition.Override != nil:
		if b.observer.Overridden != nil {
			b.observer.Overridden(ctx, *n.transition)
		}
	case n.transition != nil && b.observer.Transition != nil:
		b.observer.Transition(ctx, *n.transition)
	case n.rejection != nil && b.observer.Rejected != nil:
		b.observer.Rejected(ctx, n.rejection)
	case n.storeLost != nil && b.observer.StoreLost != nil:
		b.observer.StoreLost(ctx, b.Name(), n.storeLost)
	case n.storeReturned != nil && b.observer.StoreReturned != nil:
		b.observer.StoreReturned(ctx, b.Name(), *n.storeReturned)
	case n.historyFailed != nil && b.observer.HistoryFailed != nil:
		b.observer.HistoryFailed(ctx, b.Name(), n.historyFailed)
	}
}
