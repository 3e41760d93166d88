package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/coldfuse/coldfuse/internal/dynamolocal"
	"github.com/coldfuse/coldfuse/local/bench/fleet"
	"github.com/coldfuse/coldfuse/local/bootstrap"
	"github.com/coldfuse/coldfuse/local/storeproxy"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

const (
	fleetSize = 20
	fleetRate = 50 // calls a second, of the fleet
	slowRate  = 5
	recovery  = 5 * time.Second
	latency   = 20 * time.Millisecond // of the dependency
	table     = "circuits"
)

// site is a circuit, with a dependency and a way to the store of its own.
type site struct {
	settings   breaker.Settings
	store      *storeproxy.Proxy
	dependency *fleet.Dependency
	fleet      *fleet.Fleet
	server     *dynamolocal.Server
}

// ground is where the fleet meets its sites.
type ground struct {
	sites   map[string]*site
	closers []func()
}

// newGround starts a fleet whose members have a circuit for each of the
// settings.
func newGround(ctx context.Context, root string, all []breaker.Settings) (*ground, error) {
	g := &ground{sites: map[string]*site{}}
	if err := g.start(ctx, root, all); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

func (g *ground) start(ctx context.Context, root string, all []breaker.Settings) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	g.atClose(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "member")
	if err := bootstrap.Build(ctx, filepath.Join(root, "local", "bench", "member"), path); err != nil {
		return err
	}
	server, err := dynamolocal.Start(ctx, os.Stderr)
	if err != nil {
		return err
	}
	g.atClose(server.Close)
	if err := dynamolocal.CreateTable(ctx, dynamostore.NewClient(server.Getenv, nil), table); err != nil {
		return err
	}
	config := fleet.Config{Table: table}
	for _, settings := range all {
		s, err := g.add(server, settings)
		if err != nil {
			return err
		}
		config.Circuits = append(config.Circuits, fleet.Circuit{Settings: settings, Store: s.store.Endpoint(), Dependency: s.dependency.URL})
	}
	var env []string
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		env = append(env, name+"="+server.Getenv(name))
	}
	members, err := fleet.Start(path, fleetSize, config, env)
	if err != nil {
		return err
	}
	g.atClose(members.Close)
	for _, s := range g.sites {
		s.fleet = members
	}
	return nil
}

func (g *ground) add(server *dynamolocal.Server, settings breaker.Settings) (*site, error) {
	store, err := storeproxy.Start("127.0.0.1:0", server.Endpoint)
	if err != nil {
		return nil, err
	}
	g.atClose(store.Close)
	s := &site{settings: settings, store: store, dependency: fleet.NewDependency(latency), server: server}
	g.atClose(s.dependency.Close)
	g.sites[settings.Name] = s
	return s, nil
}

func (g *ground) atClose(f func()) { g.closers = append(g.closers, f) }

// Close ends the fleet first and what it uses after it.
func (g *ground) Close() {
	for i := len(g.closers) - 1; i >= 0; i-- {
		g.closers[i]()
	}
}

// load makes n calls a second, each of a random member, until it is stopped.
func (s *site) load(ctx context.Context, n int) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticks := time.NewTicker(time.Second / time.Duration(n))
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				s.fleet.Call(s.settings.Name)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// calls are those of the site's circuit that arrived in a time.
func (s *site) calls(from, to time.Time) []fleet.Call {
	return s.fleet.Calls(func(c fleet.Call) bool {
		return c.Circuit == s.settings.Name && !c.At.Before(from) && c.At.Before(to)
	})
}

func (s *site) rejections(since time.Time) []fleet.Call {
	return s.fleet.Calls(func(c fleet.Call) bool { return c.Circuit == s.settings.Name && !c.At.Before(since) && !c.Admitted })
}

// losses is how often the members took the circuit's store for lost, which
// here is only slow: the machine is too busy.
func (s *site) losses() int {
	most := map[string]int{}
	for _, c := range s.calls(time.Time{}, time.Now()) {
		most[c.Member] = max(most[c.Member], c.Losses)
	}
	sum := 0
	for _, n := range most {
		sum += n
	}
	return sum
}

// traffic is what reached the store.
type traffic struct{ reads, writes int }

func (s *site) traffic() traffic {
	counts := s.store.Counts()
	return traffic{counts["GetItem"], counts["UpdateItem"]}
}

func (t traffic) since(earlier traffic) traffic {
	return traffic{t.reads - earlier.reads, t.writes - earlier.writes}
}

// await waits until as many requests as wanted, that meet the condition, have
// reached the dependency since a moment, and gives the first of them.
func (s *site) await(ctx context.Context, what string, since time.Time, n int, want func(fleet.Request) bool) (fleet.Request, error) {
	var found []fleet.Request
	err := wait.For(ctx, 30*time.Second, what, func() bool {
		found = s.dependency.Requests(since, want)
		return len(found) >= n
	})
	if err != nil {
		return fleet.Request{}, fmt.Errorf("%s: %w", s.settings.Name, err)
	}
	return found[0], nil
}

func isProbe(r fleet.Request) bool { return r.Probe }

func isOrdinary(r fleet.Request) bool { return !r.Probe }
