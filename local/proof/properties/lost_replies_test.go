package properties

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/storetest"
)

// outcome is what happens to one operation and its reply.
type outcome struct {
	fate     fate
	leave    context.CancelFunc
	repeated bool // a reply was lost and the operation sent again
}

type fate uint8

const (
	fine      fate = iota
	unsent         // the caller is gone before anything was sent
	unheard        // the caller is gone when the reply comes
	cancelled      // the caller goes at some time
	lost           // the connection breaks after the operation, once
)

type outcomeKey struct{}

// drawOutcome draws a bad fate for one operation in ten. leave cancels the caller.
func drawOutcome(random *rand.Rand, leave context.CancelFunc) *outcome {
	o := &outcome{leave: leave}
	if random.IntN(10) == 0 {
		o.fate = unsent + fate(random.IntN(4))
	}
	switch o.fate {
	case unsent:
		leave()
	case cancelled:
		time.AfterFunc(time.Duration(random.IntN(4000))*time.Microsecond, leave)
	}
	return o
}

// loser is the transport to DynamoDB that applies fates.
type loser struct{ http.RoundTripper }

func (l loser) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.RoundTripper.RoundTrip(r)
	o, ok := r.Context().Value(outcomeKey{}).(*outcome)
	if err != nil || !ok {
		return res, err
	}
	switch {
	case o.fate == unheard:
		o.leave()
		res.Body.Close()
		return nil, r.Context().Err()
	case o.fate == lost && !o.repeated:
		o.repeated = true
		res.Body.Close()
		return nil, &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	}
	return res, err
}

// forgetful is a store in memory that applies fates.
type forgetful struct{ breaker.Store }

// forget returns a subject whose replies get lost, from a store in memory.
func forget(s interface {
	breaker.Store
	Delete(circuit string)
}) storetest.Subject {
	return storetest.Subject{Store: forgetful{s}, Delete: func(ctx context.Context, circuit string) error {
		s.Delete(circuit)
		return loss(ctx)
	}}
}

var errLost = errors.New("reply lost")

func (s forgetful) AppendFailure(ctx context.Context, circuit string, f breaker.Failure) (breaker.Record, bool, error) {
	r, held, err := s.Store.AppendFailure(ctx, circuit, f)
	return r, held, errors.Join(err, loss(ctx))
}

func (s forgetful) PruneFailures(ctx context.Context, circuit string, epoch int64, ids []breaker.FailureID) (breaker.Record, bool, error) {
	r, held, err := s.Store.PruneFailures(ctx, circuit, epoch, ids)
	return r, held, errors.Join(err, loss(ctx))
}

func (s forgetful) Change(ctx context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	r, held, err := s.Store.Change(ctx, circuit, c)
	return r, held, errors.Join(err, loss(ctx))
}

func loss(ctx context.Context) error {
	if o := ctx.Value(outcomeKey{}).(*outcome); o.fate == unheard || o.fate == lost {
		return errLost
	}
	return nil
}
