// Command measure holds a fleet of twenty processes on DynamoDB Local against
// the figures that are promised: 50 calls a second spread at random, threshold
// 5, 2 successes, a dependency that takes 20 ms, no retries, and the breaker's
// own defaults where a row does not say otherwise.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/internal/dynamolocal"
	"github.com/coldfuse/coldfuse/local/chaos"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func main() {
	only := flag.String("only", "", "measure the parts whose name holds this `text`")
	rounds := flag.Int("rounds", 5, "outages for each median")
	source := flag.String("source", "chaos/environment", "the `folder` of the environments' program")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx, *only, *source, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// bench is what the parts of a run share.
type bench struct {
	ctx    context.Context
	binary string
	server *dynamolocal.Server
	rounds int
	random *rand.Rand
}

// row is one line of the table.
type row struct{ what, target, measured string }

var parts = []struct {
	name string
	run  func(*bench) ([]row, error)
}{
	{"healthy", healthy},
	{"dying", dying},
	{"dying, read first", dyingReadFirst},
	{"together", together},
	{"dead", deadWindows},
	{"slow traffic", slowTraffic},
	{"killed prober", killedProber},
	{"store refused", storeRefused},
	{"store hangs", storeHangs},
	{"store and dependency away", bothAway},
}

func measure(ctx context.Context, only, source string, rounds int) error {
	folder, err := os.MkdirTemp("", "chaos")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	b := &bench{ctx: ctx, rounds: rounds, random: rand.New(rand.NewPCG(1, 1))}
	if b.binary, err = chaos.Build(ctx, source, folder); err != nil {
		return err
	}
	if b.server, err = dynamolocal.Start(ctx, os.Stderr); err != nil {
		return err
	}
	defer b.server.Close()
	fmt.Print("| what | target | measured |\n|---|---|---|\n")
	for _, p := range parts {
		if !strings.Contains(p.name, only) {
			continue
		}
		rows, err := p.run(b)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		for _, r := range rows {
			fmt.Printf("| %s | %s | %s |\n", r.what, r.target, r.measured)
		}
	}
	return nil
}

const (
	fleet     = 20
	perSecond = 50
	patience  = 2 * time.Minute
)

var (
	answers = chaos.Behaviour{Latency: 20 * time.Millisecond}
	fails   = chaos.Behaviour{Latency: 20 * time.Millisecond, Status: 503}
)

// world is a fleet under traffic.
type world struct {
	*chaos.World
	ctx  context.Context
	stop func() // ends the traffic
}

// with runs a fleet under traffic that has found its pace, and ends it after f.
func (b *bench) with(s breaker.Settings, rate float64, f func(world) error) (err error) {
	s.Name = "measured"
	inner, err := chaos.Start(b.ctx, chaos.Config{Binary: b.binary, Server: b.server, Environments: fleet, Settings: s})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(b.ctx)
	ended := make(chan struct{})
	defer func() {
		cancel()
		<-ended
		if closing := inner.Close(); err == nil {
			err = closing
		}
	}()
	inner.Dependency.Set(answers)
	go func() {
		defer close(ended)
		inner.Fleet.Traffic(ctx, rate, b.random)
	}()
	w := world{inner, b.ctx, func() { cancel(); <-ended }}
	w.pause(2 * time.Second)
	return f(w)
}

func (w world) pause(d time.Duration) { wait.Pause(w.ctx, d) }

func (w world) until(what string, holds func() bool) error {
	return wait.For(w.ctx, patience, what, holds)
}

func (w world) untilState(s breaker.State) error {
	return w.until("the circuit is "+string(s), func() bool { return w.Last().State == s })
}

// quantile of values that need not be sorted; 0 of none.
func quantile[T ~int | ~int64 | ~float64](values []T, q float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
