package properties

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/storetest"
)

// operation is one operation on a store. The methods of breaker.Record define
// what it does.
type operation struct {
	circuit string
	kind    kind
	failure breaker.Failure
	epoch   int64
	ids     []breaker.FailureID
	change  breaker.Change
}

type kind string

const (
	loading   kind = "load"
	appending kind = "append"
	pruning   kind = "prune"
	changing  kind = "change"
	deleting  kind = "delete by hand"
)

// reply is the answer to an operation. One with an unknown outcome took effect, or
// takes effect at any later time, or never.
type reply struct {
	record  breaker.Record
	held    bool
	unknown bool
}

func (o operation) perform(ctx context.Context, s storetest.Subject) reply {
	r := reply{record: missing, held: true}
	var err error
	switch o.kind {
	case loading:
		r.held = false
		r.record, err = s.Store.Load(ctx, o.circuit, true)
	case appending:
		r.record, r.held, err = s.Store.AppendFailure(ctx, o.circuit, o.failure)
	case pruning:
		r.record, r.held, err = s.Store.PruneFailures(ctx, o.circuit, o.epoch, o.ids)
	case changing:
		r.record, r.held, err = s.Store.Change(ctx, o.circuit, o.change)
	case deleting:
		err = s.Delete(ctx, o.circuit)
	}
	r.unknown = err != nil
	return r
}

func (o operation) apply(r breaker.Record) (breaker.Record, bool) {
	switch o.kind {
	case appending:
		return r.Append(o.failure)
	case pruning:
		return r.Prune(o.epoch, o.ids)
	case changing:
		return r.Apply(o.change)
	case deleting:
		return missing, true
	default:
		return r, false
	}
}

// missing is the record of a circuit without an item.
var missing = breaker.Record{State: breaker.Closed}

// sequential is a circuit that performs one operation at a time. The circuits of a
// history are judged one by one.
var sequential = (&porcupine.NondeterministicModel{
	Partition: byCircuit,
	Init:      func() []any { return []any{missing} },
	Step: func(state, input, output any) []any {
		before, o, r := state.(breaker.Record), input.(operation), output.(reply)
		after, held := o.apply(before)
		switch {
		case r.unknown:
			return []any{before, after}
		case held == r.held && same(after, r.record):
			return []any{after}
		default:
			return nil
		}
	},
	Equal: func(a, b any) bool { return same(a.(breaker.Record), b.(breaker.Record)) },
}).ToModel()

func byCircuit(history []porcupine.Operation) [][]porcupine.Operation {
	parts := make(map[string][]porcupine.Operation)
	for _, o := range history {
		circuit := o.Input.(operation).circuit
		parts[circuit] = append(parts[circuit], o)
	}
	var all [][]porcupine.Operation
	for _, part := range parts {
		all = append(all, part)
	}
	return all
}

// same compares records whose failures are sets.
func same(a, b breaker.Record) bool {
	a.Failures, b.Failures = slices.Sorted(slices.Values(a.Failures)), slices.Sorted(slices.Values(b.Failures))
	return reflect.DeepEqual(a, b)
}

// recorder keeps a history of operations. Times are ns since its beginning.
type recorder struct {
	began   time.Time
	mu      sync.Mutex
	history []porcupine.Operation
}

// add notes an operation. One whose outcome is unknown never returns.
func (r *recorder) add(client int, o operation, called time.Duration, out reply, returned time.Duration) {
	if out.unknown {
		returned = math.MaxInt64
	}
	r.note(client, o, called, out, returned)
}

func (r *recorder) note(client int, o operation, called time.Duration, out reply, returned time.Duration) {
	if out.unknown && o.kind == loading {
		return // no effect and no answer: nothing to judge
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, porcupine.Operation{
		ClientId: client, Input: o, Call: int64(called), Output: out, Return: int64(returned),
	})
}

func (r *recorder) now() time.Duration { return time.Since(r.began) }

// unknown counts the operations with an unknown outcome.
func unknown(history []porcupine.Operation) int {
	n := 0
	for _, o := range history {
		if o.Output.(reply).unknown {
			n++
		}
	}
	return n
}

// client performs operations on circuits that it shares with others. It bases each
// on the last record it has read, which is not always the latest.
type client struct {
	*recorder
	number int
	store  storetest.Subject
	rand   *rand.Rand
	known  map[string]breaker.Record
	serial int
}

const (
	clients  = 12
	circuits = 3
)

// record returns the history of many clients that use a store at the same time.
func record(seed uint64, operations int, subject func(client int) storetest.Subject) []porcupine.Operation {
	r := &recorder{began: time.Now()}
	var all sync.WaitGroup
	for i := range clients {
		c := &client{
			recorder: r, number: i, store: subject(i), rand: rand.New(rand.NewPCG(seed, uint64(i))),
			known: make(map[string]breaker.Record),
		}
		all.Go(func() {
			for range operations {
				c.act()
			}
		})
	}
	all.Wait()
	return r.history
}

func (c *client) act() {
	o := c.next()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fate := drawOutcome(c.rand, cancel)
	ctx = context.WithValue(ctx, outcomeKey{}, fate)
	called := c.now()
	out := o.perform(ctx, c.store)
	returned := c.now()
	if fate.repeated && !out.unknown {
		// The first reply was lost and the operation sent again: these are two
		// operations, and the first was over when this returned.
		c.note(c.number, o, called, reply{unknown: true}, returned)
	}
	c.add(c.number, o, called, out, returned)
	if !out.unknown {
		c.known[o.circuit] = out.record
	}
}

func (c *client) next() operation {
	c.serial++
	circuit := fmt.Sprintf("circuit-%d", c.rand.IntN(circuits))
	r, ok := c.known[circuit]
	if !ok {
		r = missing
	}
	o := operation{circuit: circuit, kind: loading}
	switch n := c.rand.IntN(40); {
	case n < 16:
		o.kind = appending
		o.failure = breaker.Failure{ID: c.failure(), Epoch: r.Epoch, Cap: 5, At: int64(c.serial), New: c.id()}
	case n < 24:
		o.kind, o.epoch, o.ids = pruning, r.Epoch, append(slices.Clone(r.Failures[len(r.Failures)/2:]), "1#never#1")
	case n < 35:
		o.kind, o.change = changing, breaker.Change{From: r, To: c.successor(r)}
	case n < 36:
		o.kind = deleting
	}
	return o
}

// failure returns one of a few ids, so that clients append the same ones.
func (c *client) failure() breaker.FailureID {
	return breaker.FailureID(fmt.Sprintf("%d#e#%d", c.serial, c.rand.IntN(3)))
}

func (c *client) id() string { return fmt.Sprintf("c%d#%d", c.number, c.serial) }

// successor returns a possible next record, mostly in the next state.
func (c *client) successor(r breaker.Record) breaker.Record {
	r.Generation++
	r.Writer = c.id()
	switch c.rand.IntN(8) {
	case 0:
		r.ProbeOwner, r.ProbeUntil = r.Writer, int64(c.serial)
		return r
	case 1:
		r.OverrideMode, r.OverrideBy, r.OverrideUntil = breaker.OverrideClosed, r.Writer, int64(c.serial)
		return r
	}
	r.Epoch = r.Generation
	r.State = map[breaker.State]breaker.State{
		breaker.Closed: breaker.Open, breaker.Open: breaker.HalfOpen, breaker.HalfOpen: breaker.Closed,
	}[r.State]
	if r.State == breaker.Open {
		r.LastFailureAt, r.OpenedAt, r.Reason = int64(c.serial), int64(c.serial), "timeout"
	}
	return r
}
