package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/local/wait"
)

const callLimit = 10 * time.Second // deadline of a call

// Fleet is all environments that share a circuit, killed ones included. It is
// safe for concurrent use.
type Fleet struct {
	launch func(id string, serial, group int) (*Environment, error)
	groups int

	mu     sync.Mutex
	all    []*Environment
	serial int
	call   int64
}

// Add starts environments and waits until each has made its first read.
func (f *Fleet) Add(ctx context.Context, n int) ([]*Environment, error) {
	added := make([]*Environment, 0, n)
	for range n {
		e, err := f.Launch()
		if err != nil {
			return nil, err
		}
		added = append(added, e)
	}
	for _, e := range added {
		select {
		case <-e.ready:
		case <-e.exited:
			return nil, fmt.Errorf("environment %s ended at its start", e.ID)
		case <-ctx.Done():
			return nil, fmt.Errorf("environment %s: %w", e.ID, ctx.Err())
		}
	}
	return added, nil
}

// Launch starts an environment and does not wait for it.
func (f *Fleet) Launch() (*Environment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	e, err := f.launch(fmt.Sprintf("env%010d", f.serial), f.serial, f.serial%f.groups)
	if err == nil {
		f.all = append(f.all, e)
	}
	return e, err
}

// All returns the environments, killed ones included.
func (f *Fleet) All() []*Environment {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.all)
}

// Idle returns the environments that can serve a call now.
func (f *Fleet) Idle() []*Environment {
	return slices.DeleteFunc(f.All(), (*Environment).Busy)
}

// Find returns the environment with an id, or nil.
func (f *Fleet) Find(id string) *Environment {
	all := f.All()
	if i := slices.IndexFunc(all, func(e *Environment) bool { return e.ID == id }); i >= 0 {
		return all[i]
	}
	return nil
}

// Call has one environment serve a call. It returns false if the environment is
// not idle, is killed during the call, or ctx ends.
func (f *Fleet) Call(ctx context.Context, e *Environment) (wire.Report, bool) {
	f.mu.Lock()
	f.call++
	id := f.call
	f.mu.Unlock()
	answer, ok := e.send(wire.Call{ID: id, Limit: callLimit})
	if !ok {
		return wire.Report{}, false
	}
	select {
	case r, ok := <-answer:
		return r, ok
	case <-ctx.Done():
		return wire.Report{}, false
	}
}

// Together has each of the environments serve one call, all at the same time,
// and returns the reports of those that were not killed.
func (f *Fleet) Together(ctx context.Context, fleet []*Environment) []wire.Report {
	var calls sync.WaitGroup
	reports := make([]wire.Report, len(fleet))
	for i, e := range fleet {
		calls.Go(func() { reports[i], _ = f.Call(ctx, e) })
	}
	calls.Wait()
	return slices.DeleteFunc(reports, func(r wire.Report) bool { return r.Kind != wire.Done })
}

// Traffic makes calls at random times, perSecond on average, each in a random
// idle environment, until ctx ends. It returns when the last call has ended.
func (f *Fleet) Traffic(ctx context.Context, perSecond float64, random *rand.Rand) {
	var calls sync.WaitGroup
	defer calls.Wait()
	for next := time.Now(); ; {
		next = next.Add(time.Duration(random.ExpFloat64() / perSecond * float64(time.Second)))
		if !wait.Pause(ctx, time.Until(next)) {
			return
		}
		idle := f.Idle()
		if len(idle) == 0 {
			continue
		}
		e := idle[random.IntN(len(idle))]
		calls.Go(func() { f.Call(context.WithoutCancel(ctx), e) })
	}
}

// Reports returns the reports of all environments, ordered by time.
func (f *Fleet) Reports() []wire.Report {
	var reports []wire.Report
	for _, e := range f.All() {
		reports = append(reports, e.Reports()...)
	}
	slices.SortStableFunc(reports, func(a, b wire.Report) int { return a.At.Compare(b.At) })
	return reports
}

func (f *Fleet) close() {
	for _, e := range f.All() {
		e.Kill()
	}
}
