package chaos

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
	"github.com/coldfuse/coldfuse/local/proof/fleet"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

var (
	server *dynamolocal.Server
	binary string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	// These tests mostly wait, so more of them run at a time than there are CPUs.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	folder, err := os.MkdirTemp("", "chaos")
	if err == nil {
		defer os.RemoveAll(folder)
		binary, err = fleet.Build(context.Background(), "../fleet/environment", folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := dynamolocal.Main(m, &server)
	printFigures()
	return code
}

const (
	recovery    = 2 * time.Second
	fast        = 20 * time.Millisecond  // a dependency that answers
	long        = 800 * time.Millisecond // a probe that can be broken in the middle
	comesAnyway = 120 * time.Second      // bounds the wait for what must come, on any machine
)

// settings returns settings that wait longer for the store than deployed ones:
// on a busy machine environments would otherwise decide locally.
func settings() breaker.Settings {
	return breaker.Settings{
		Name: "jira_api", RecoveryTimeout: recovery, ProbeTimeout: time.Second, MaxClockSkew: 100 * time.Millisecond,
		StoreTimeout: 1500 * time.Millisecond, PrimeTimeout: 10 * time.Second,
	}
}

// harness is a fleet.Harness whose log is checked when the test ends.
type harness struct {
	*fleet.Harness
	t     *testing.T
	began time.Time
}

func newHarness(t *testing.T, c fleet.Config) harness {
	t.Helper()
	c.Binary, c.Server = binary, server
	ctx, cancel := context.WithTimeout(t.Context(), comesAnyway)
	defer cancel()
	inner, err := fleet.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	h := harness{inner, t, time.Now()}
	t.Cleanup(func() {
		h.check()
		if err := inner.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h harness) log() fleet.Log {
	h.t.Helper()
	l, err := h.Log()
	if err != nil {
		h.t.Fatal(err)
	}
	return l
}

func (h harness) check() {
	l := h.log()
	breaches := Check(l)
	for _, breach := range breaches {
		h.t.Error(breach)
	}
	h.t.Log(l.Summary())
	h.figure(l, len(breaches))
}

func (h harness) until(what string, holds func() bool) {
	h.t.Helper()
	if err := wait.For(h.t.Context(), comesAnyway, what, holds); err != nil {
		h.t.Fatal(err)
	}
}

func (h harness) untilState(s breaker.State) {
	h.t.Helper()
	h.until("the circuit is "+string(s), func() bool { return h.Last().State == s })
}

// traffic calls environments at random until the test, or stop, ends it.
func (h harness) traffic(perSecond float64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.Fleet.Traffic(ctx, perSecond, rand.New(rand.NewPCG(1, 2)))
	}()
	stop = func() {
		cancel()
		<-ended
	}
	h.t.Cleanup(stop)
	return stop
}

// open makes the dependency fail until the circuit is open.
func (h harness) open() {
	h.t.Helper()
	h.Dependency.Set(fleet.Behaviour{Status: 503, Latency: fast})
	h.untilState(breaker.Open)
}

// prober waits for a running fleet probe that began after an instant.
func (h harness) prober(after time.Time) (e *fleet.Environment, probe fleet.Request) {
	h.t.Helper()
	h.until("a probe is running", func() (ok bool) {
		probe, ok = h.Dependency.Probing()
		return ok && probe.Began.After(after)
	})
	return h.Fleet.Find(probe.Environment), probe
}

// everyoneServes waits until every living environment has been served.
func (h harness) everyoneServes() {
	h.t.Helper()
	left := slices.DeleteFunc(h.Fleet.All(), (*fleet.Environment).Busy)
	h.until("every environment serves", func() bool {
		left = slices.DeleteFunc(left, func(e *fleet.Environment) bool {
			r, ok := h.Fleet.Call(h.t.Context(), e)
			return ok && r.Outcome == wire.Served
		})
		return len(left) == 0 || !wait.Pause(h.t.Context(), 100*time.Millisecond)
	})
}

// reported waits for an environment's report of a call.
func (h harness) reported(e *fleet.Environment, call int64) {
	h.t.Helper()
	h.until("the call is reported", func() bool {
		return slices.ContainsFunc(e.Reports(), func(r wire.Report) bool { return r.Kind == wire.Done && r.Call == call })
	})
}
