package properties

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// drawSettings returns small numbers, so that thresholds are reached, and times
// longer than any cache: a circuit must not return to a state while an environment
// can still use a record of the last time it was in that state.
func drawSettings(t *rapid.T, maxAge time.Duration) breaker.Settings {
	seconds := func(name string, low, high int) time.Duration {
		return time.Duration(rapid.IntRange(low, high).Draw(t, name)) * time.Second
	}
	threshold := rapid.IntRange(1, 4).Draw(t, "failures")
	recovery := seconds("recovery", 2, 10)
	return breaker.Settings{
		Name:             "jira_api",
		FailureThreshold: threshold,
		MinEnvironments:  rapid.IntRange(1, min(threshold, 2)).Draw(t, "failing environments"),
		SuccessThreshold: rapid.IntRange(1, 3).Draw(t, "successes"),
		FailureWindow:    seconds("window", 1, 20),
		RecoveryTimeout:  recovery,
		OpenBackOff:      rapid.SampledFrom([]float64{1, 1.5, 2}).Draw(t, "back-off"),
		MaxOpen:          recovery + seconds("longer", 0, 20),
		ProbeTimeout:     seconds("probe", 1, 5),
		MaxClockSkew:     time.Duration(rapid.IntRange(0, 500).Draw(t, "skew")-1) * time.Millisecond,
		MaxAge:           maxAge,
		RefreshAfter:     max(maxAge, 0), // a background read would end at a time that the story did not choose
	}
}

func story(maxAge time.Duration, store func() breaker.Store) func(*rapid.T) {
	return func(t *rapid.T) { runStory(t, maxAge, store()) }
}

func runStory(t *rapid.T, maxAge time.Duration, store breaker.Store) *fleet {
	f := newFleet(t, drawSettings(t, maxAge), store)
	t.Repeat(f.acts())
	return f
}

func memory() breaker.Store { return memstore.New() }

// With a read before every call an environment admits exactly what the reference
// admits at that moment.
func TestCircuitIsTheReference(t *testing.T) {
	thoroughly(t)
	stories, transitions := 0, make(map[string]int)
	rapid.Check(t, func(t *rapid.T) {
		stories++
		for _, transition := range runStory(t, -1, memory()).transitions() {
			transitions[transition]++
		}
	})
	t.Log(transitions)
	figure("stories: the circuit is the reference", "%d, in which circuits opened %d times and closed %d times",
		stories, transitions["closed→open"], transitions["half_open→closed"])
	if transitions["half_open→closed"] < 20 {
		t.Errorf("the stories seldom close a circuit: %v", transitions)
	}
}

// With caches an environment admits what the reference admitted at some moment
// within the cache's age. Everything that is written stays exact.
func TestCachesAreNoOlderThanPromised(t *testing.T) {
	thoroughly(t)
	for _, age := range []time.Duration{100 * time.Millisecond, time.Second, breaker.DefaultMaxAge} {
		t.Run(age.String(), func(t *testing.T) {
			stories := 0
			rapid.Check(t, func(t *rapid.T) {
				stories++
				runStory(t, age, memory())
			})
			figure("stories: caches are no older than promised", "%d with caches of %s", stories, age)
		})
	}
}

// faulty is a store with a bug.
type faulty struct {
	breaker.Store
	appends int
	bug     string
}

const (
	losesAppends  = "every third failure is lost"
	prunesAll     = "pruning empties the set"
	keepsNoFence  = "a change needs no condition"
	forgetsLeases = "leases are not stored"
	readsStale    = "reads show the circuit as it was at first"
)

func (s *faulty) Load(ctx context.Context, circuit string, consistent bool) (breaker.Record, error) {
	if s.bug == readsStale && !consistent {
		return breaker.Record{State: breaker.Closed}, nil
	}
	return s.Store.Load(ctx, circuit, consistent)
}

func (s *faulty) AppendFailure(ctx context.Context, circuit string, f breaker.Failure) (breaker.Record, bool, error) {
	s.appends++
	if s.bug == losesAppends && s.appends%3 == 0 {
		r, err := s.Store.Load(ctx, circuit, true)
		r, held := r.Append(f)
		return r, held, err
	}
	return s.Store.AppendFailure(ctx, circuit, f)
}

func (s *faulty) PruneFailures(ctx context.Context, circuit string, epoch int64, ids []breaker.FailureID) (breaker.Record, bool, error) {
	if s.bug == prunesAll {
		r, err := s.Store.Load(ctx, circuit, true)
		if err != nil {
			return r, false, err
		}
		ids = r.Failures
	}
	return s.Store.PruneFailures(ctx, circuit, epoch, ids)
}

func (s *faulty) Change(ctx context.Context, circuit string, c breaker.Change) (breaker.Record, bool, error) {
	switch s.bug {
	case keepsNoFence:
		r, err := s.Store.Load(ctx, circuit, true)
		if err != nil {
			return r, false, err
		}
		c.From.Generation, c.From.Writer, c.To.Generation = r.Generation, r.Writer, r.Generation+1
	case forgetsLeases:
		c.To.ProbeOwner = ""
	}
	return s.Store.Change(ctx, circuit, c)
}

// Each planted bug is found, and go test -v prints it as a story of a few lines.
func TestStoriesFindPlantedBugs(t *testing.T) {
	set(t, "nofailfile", "true")
	set(t, "shrinktime", "3s")
	thoroughly(t)
	bugs := []string{losesAppends, prunesAll, keepsNoFence, forgetsLeases, readsStale}
	figure("stories: bugs planted in a store", "%d, all found", len(bugs))
	for _, bug := range bugs {
		t.Run(bug, func(t *testing.T) {
			found := &verdict{T: t}
			store := func() breaker.Store { return &faulty{Store: memstore.New(), bug: bug} }
			found.judge(story(-1, store))
			if !found.failed {
				t.Fatal("not found")
			}
			t.Log(found.log.String())
		})
	}
}

// thoroughly sets more and longer stories than rapid's default, because a circuit
// takes many steps from closed to closed.
func thoroughly(t *testing.T) {
	t.Helper()
	set(t, "checks", "1000")
	set(t, "steps", "60")
}

// set changes the default of one of rapid's flags for this test.
func set(t *testing.T, name, value string) {
	t.Helper()
	f := flag.Lookup("rapid." + name)
	before := f.Value.String()
	if before != f.DefValue {
		return // set on the command line
	}
	if err := flag.Set(f.Name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(f.Name, before) })
}

// verdict is a test that may fail without failing the one that runs it.
type verdict struct {
	*testing.T
	failed bool
	log    strings.Builder
}

// judge runs a property that is expected to fail.
func (v *verdict) judge(property func(*rapid.T)) {
	done := make(chan struct{})
	go func() { // FailNow ends its goroutine
		defer close(done)
		rapid.Check(v, property)
	}()
	<-done
}

func (v *verdict) Logf(format string, args ...any)   { fmt.Fprintf(&v.log, format+"\n", args...) }
func (v *verdict) Log(args ...any)                   { fmt.Fprintln(&v.log, args...) }
func (v *verdict) Errorf(format string, args ...any) { v.Logf(format, args...); v.Fail() }
func (v *verdict) Error(args ...any)                 { v.Log(args...); v.Fail() }
func (v *verdict) Fatalf(format string, args ...any) { v.Logf(format, args...); v.FailNow() }
func (v *verdict) Fatal(args ...any)                 { v.Log(args...); v.FailNow() }
func (v *verdict) Fail()                             { v.failed = true }
func (v *verdict) Failed() bool                      { return v.failed }
func (v *verdict) FailNow()                          { v.failed = true; runtime.Goexit() }
