package guard

import (
	"sync/atomic"
	"time"
)

// ErrBusy is the answer to a call beyond Config.MaxConcurrent: the call was not
// made. It says something of this environment and nothing of the dependency: a
// 503 to the client, which may come again after what its method RetryAfter
// says, 1 s.
var ErrBusy error = busyError{}

type busyError struct{}

func (busyError) Error() string             { return "too many calls in flight" }
func (busyError) RetryAfter() time.Duration { return time.Second }

// bulkhead bounds the calls in flight by handing out slots. Nobody waits for
// one: where calls queue, their deadlines pass in the queue.
type bulkhead chan struct{}

func newBulkhead(slots int) bulkhead { return make(bulkhead, slots) }

// slot is one call's place. It is free again once the call and each of its
// tries have let go of it: a try that ignores its context goes on after its
// call has been answered, and still burdens the dependency.
type slot struct {
	bulkhead bulkhead
	holders  atomic.Int32
}

// enter gives the caller, as its first holder, a slot, or ErrBusy.
func (b bulkhead) enter() (*slot, error) {
	select {
	case b <- struct{}{}:
		s := &slot{bulkhead: b}
		s.hold()
		return s, nil
	default:
		return nil, ErrBusy
	}
}

func (s *slot) hold() { s.holders.Add(1) }

func (s *slot) release() {
	if s.holders.Add(-1) == 0 {
		<-s.bulkhead
	}
}
