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
	// What these tests do most is wait: more of them at a time than processors.
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
	recovery = 2 * time.Second
	fast     = 20 * time.Millisecond  // a dependency that answers
	long     = 800 * time.Millisecond // a probe that can be broken in the middle
	ages     = 120 * time.Second      // for what must come, on any machine
)

// settings give the store more time than deployed ones do: on a machine that
// is too busy, environments would take it for lost and decide alone.
func settings() breaker.Settings {
	return breaker.Settings{
		Name: "jira_api", RecoveryTimeout: recovery, ProbeTimeout: time.Second, MaxClockSkew: 100 * time.Millisecond,
		StoreTimeout: 1500 * time.Millisecond, PrimeTimeout: 10 * time.Second,
	}
}

// world is a World whose log is checked when the test ends.
type world struct {
	*fleet.World
	t     *testing.T
	began time.Time
}

func newWorld(t *testing.T, c fleet.Config) world {
	t.Helper()
	c.Binary, c.Server = binary, server
	ctx, cancel := context.WithTimeout(t.Context(), ages)
	defer cancel()
	inner, err := fleet.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	w := world{inner, t, time.Now()}
	t.Cleanup(func() {
		w.check()
		if err := inner.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w world) log() fleet.Log {
	w.t.Helper()
	l, err := w.Log()
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (w world) check() {
	l := w.log()
	breaches := Check(l)
	for _, breach := range breaches {
		w.t.Error(breach)
	}
	w.t.Log(l.Summary())
	w.figure(l, len(breaches))
}

func (w world) until(what string, holds func() bool) {
	w.t.Helper()
	if err := wait.For(w.t.Context(), ages, what, holds); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) untilState(s breaker.State) {
	w.t.Helper()
	w.until("the circuit is "+string(s), func() bool { return w.Last().State == s })
}

// traffic calls environments at random until the test, or stop, ends it.
func (w world) traffic(perSecond float64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Fleet.Traffic(ctx, perSecond, rand.New(rand.NewPCG(1, 2)))
	}()
	stop = func() {
		cancel()
		<-ended
	}
	w.t.Cleanup(stop)
	return stop
}

// open has the dependency die, and the fleet notice.
func (w world) open() {
	w.t.Helper()
	w.Dependency.Set(fleet.Behaviour{Status: 503, Latency: fast})
	w.untilState(breaker.Open)
}

// prober waits for a fleet probe that began after an instant and has not ended.
func (w world) prober(after time.Time) (e *fleet.Environment, probe fleet.Request) {
	w.t.Helper()
	w.until("a probe is under way", func() (ok bool) {
		probe, ok = w.Dependency.Probing()
		return ok && probe.Began.After(after)
	})
	return w.Fleet.Find(probe.Environment), probe
}

// everyoneServes waits until every living environment has been served.
func (w world) everyoneServes() {
	w.t.Helper()
	left := slices.DeleteFunc(w.Fleet.All(), (*fleet.Environment).Busy)
	w.until("every environment serves", func() bool {
		left = slices.DeleteFunc(left, func(e *fleet.Environment) bool {
			r, ok := w.Fleet.Call(w.t.Context(), e)
			return ok && r.Outcome == wire.Served
		})
		return len(left) == 0 || !wait.Pause(w.t.Context(), 100*time.Millisecond)
	})
}

// told waits for an environment's report of a call.
func (w world) told(e *fleet.Environment, call int64) {
	w.t.Helper()
	w.until("the call is reported", func() bool {
		return slices.ContainsFunc(e.Reports(), func(r wire.Report) bool { return r.Kind == wire.Done && r.Call == call })
	})
}
