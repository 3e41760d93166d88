package breaker

import (
	"cmp"
	"strconv"
)

// node is the part of one circuit that runs in one execution environment. It
// is as pure as the machine whose rules it applies: what it knows (view), the
// progress of one call (call) and an event determine the next operation (op).
// A Breaker performs the operations and nothing else, so a test can explore the
// whole protocol. A node is not safe for concurrent use.
//
// A call enters through arrive, check, report, prime, refresh or override.
// From then on replied is the step.
type node struct {
	machine
	id string
	view
}

// view is what a node knows of its circuit.
type view struct {
	record *Record // never changed in place
	sent   int64   // when the operation that returned record was sent; its age counts from here
	serial uint64  // makes the ids of this node unique

	// The order in which operations were asked and answered, which clocks do not
	// tell: order is that of the last, asked and answered of the one that returned
	// record.
	order, asked, answered uint32

	known      bool // false until the first answer
	claiming   bool // a call holds the claiming slot
	refreshing bool // a read runs in the background of a call

	storeOutage storeOutage
	own         *ownBucket // nil: full
}

// prime reads the record before the first call.
func (n *node) prime(c *call, e event) op {
	c.stage = priming
	n.retriesStore(c, e.now)
	return n.issue(c, e, op{kind: opLoad, consistent: true, cold: true})
}

// refresh reads the record in the background of a call.
func (n *node) refresh(c *call, e event) op {
	c.stage = refreshing
	return n.issue(c, e, op{kind: opLoad})
}

// replied is the step: it takes the reply to the operation under way and
// returns the next one.
func (n *node) replied(c *call, e event) op { return n.issue(c, e, n.handle(c, e)) }

// issue returns the next operation that needs the outside world. The
// operations of a local call are performed here, on the local record. A call
// that needs the store during a store outage becomes local.
func (n *node) issue(c *call, e event, o op) op {
	for o.kind.onStore() {
		switch {
		case c.local:
			o = n.handle(c, n.performLocally(o, e))
		case n.storeOutage.since != 0 && !c.retriesStore && !c.stage.byOperator():
			o = n.decideLocally(c, e)
		default:
			n.order++
			c.asked, o.asked = n.order, n.order
			return c.withNotices(o)
		}
	}
	return c.withNotices(o)
}

// withNotices passes on what the step has to tell observers.
func (c *call) withNotices(o op) op {
	o.notices, c.notices = c.notices, nil
	return o
}

// handle takes what a reply says of the store and of the record, then lets the
// call's stage decide.
func (n *node) handle(c *call, e event) op {
	if e.err != nil {
		return n.unanswered(c, e)
	}
	if !c.local && c.stage != waiting {
		n.storeRecovered(c, e)
		if stale := n.adopt(e, cmp.Or(e.asked, c.asked)); stale {
			return op{kind: opLoad, consistent: true}
		}
	}
	if e.held && c.stage.writes() {
		n.announce(c, e.now)
	}
	return n.dispatch(c, e)
}

// dispatch lets the stage of a call decide what follows the reply:
//
//	stage            reply to          decides                    next stage
//	priming          first read        nothing                    finished
//	refreshing       background read   nothing                    finished
//	admitting        read              admit, reject or claim     finished, admitting, waiting, claiming
//	waiting          wait              whether to claim still     finished, rechecking
//	rechecking       consistent read   admit, reject or claim     finished, claiming
//	claiming         claim             who has the lease          finished, releasing
//	releasing        release           as after a failed claim    finished
//	checking         read              whether to try again       finished
//	reporting        read              whether a failure counts   finished, appending, tripping
//	appending        append            whether it trips or fits   finished, tripping, pruning, trimming
//	pruning          prune             to append again            finished, appending, tripping
//	tripping         trip              who opened the circuit     finished, appending, tripping
//	trimming         prune             nothing                    finished
//	counting         count             whether a failure trips    finished, tripping
//	concluding       probe's result    nothing                    finished
//	readingOverride  consistent read   whether to write           finished, overriding
//	overriding       override          whether it was written     finished, overriding
//
// If the store fails, stages up to releasing decide the admission on the local
// record, checking decides on it, reporting to tripping add the failure to it,
// and all others end. A failed call that is counting adds its failure to it.
func (n *node) dispatch(c *call, e event) op {
	switch c.stage {
	case admitting:
		c.loaded = true
		return n.decide(c, e)
	case waiting:
		return n.waited(c, e)
	case rechecking:
		return n.rechecked(c, e)
	case claiming:
		return n.claimed(c, e)
	case releasing:
		return n.unclaimed(c, e)
	case checking:
		return n.checked(c, e)
	case reporting:
		return n.add(c, e.now)
	case appending:
		return n.appended(c, e)
	case pruning:
		return n.add(c, e.now)
	case tripping:
		return n.tripped(c, e)
	case counting:
		return n.counted(c, e)
	case readingOverride:
		return n.overrideNow(c, e)
	case overriding:
		return n.overridden(c, e)
	default:
		return n.done(c)
	}
}

// adopt takes over the record of a reply unless the known one is newer. An
// eventually consistent read never replaces a higher generation: either it is
// stale or the item was deleted by hand, and only a consistent read can tell.
func (n *node) adopt(e event, asked uint32) (stale bool) {
	switch {
	case !n.known || e.record.Generation > n.record.Generation:
	case e.record.Generation == n.record.Generation:
		if asked < n.asked {
			return false
		}
	case asked <= n.answered:
		return false // sent before the newer one was known
	case !e.authoritative:
		return true
	}
	n.order++
	n.record, n.known, n.sent, n.asked, n.answered = kept(e.record), true, e.sent, asked, n.order
	return false
}

// kept returns a record to keep. Circuits without an item share one.
func kept(r Record) *Record {
	if !r.Exists() {
		return &withoutItem
	}
	own := r // on the heap only here
	return &own
}

// withoutItem is missing, to be pointed to.
var withoutItem = missing()

// recordFor returns the record that decides for a call.
func (n *node) recordFor(c *call) Record {
	if c.local {
		return *n.storeOutage.record
	}
	return *n.record
}

func (n *node) write(c *call, change Change) op {
	c.change = &change
	return op{kind: opChange, change: c.change}
}

// nextID returns a new id for a write: the node's id is random, and it never
// uses a serial twice.
func (n *node) nextID() string {
	n.serial++
	id := append(append(make([]byte, 0, 64), n.id...), '#')
	return string(strconv.AppendUint(id, n.serial, 16))
}

func (n *node) done(c *call) op {
	n.finish(c)
	return op{kind: opDone}
}

func (n *node) failed(c *call, err error) op {
	n.finish(c)
	return op{kind: opDone, err: err}
}

// finish ends a call and frees what it held of the node.
func (n *node) finish(c *call) {
	if c.claimSlot {
		n.claiming, c.claimSlot = false, false
	}
	if c.stage == refreshing {
		n.refreshing = false
	}
	c.stage = finished
}
