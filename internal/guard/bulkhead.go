package guard

import (
	"sync/atomic"
	"time"
)

// ErrBusy is what Run returns for a call beyond Config.MaxConcurrent: the call
// was not made. It says something about this environment and nothing about the
// dependency. To the client it is a 503, to be repeated after what its method
// RetryAfter returns: 1 s.
var ErrBusy error = busyError{}

type busyError struct{}

func (busyError) Error() string             { return "too many calls in flight" }
func (busyError) RetryAfter() time.Duration { return time.Second }

// bulkhead bounds the calls in flight by handing out slots. It has no queue:
// where calls queue, their deadlines pass in the queue.
type bulkhead chan struct{}

func newBulkhead(slots int) bulkhead { return make(bulkhead, slots) }

// slot is reference-counted: it is released when the call and all its tries have
// ended. A try that ignores its context goes on after its call was answered, and
// still burdens the dependency.
type slot struct {
	bulkhead bulkhead
	holders  atomic.Int32
}

// enter returns a slot, held by the caller, or ErrBusy.
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
