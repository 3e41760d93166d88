package main

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
	"github.com/coldfuse/coldfuse/local/proof/bench/fleet"
	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/local/stack/bootstrap"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

const (
	fleetSize = 20
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
	random     *rand.Rand // of the load; not for concurrent use
}

// group is a number of circuits that are alike.
type group struct {
	name     string
	size     int
	settings breaker.Settings // all but the name
}

// ground is where the fleet meets its sites.
type ground struct {
	sites   map[string][]*site // by group
	closers []func()
}

// newGround starts a fleet whose members have all circuits of the groups.
func newGround(ctx context.Context, root string, groups []group) (*ground, error) {
	g := &ground{sites: map[string][]*site{}}
	if err := g.start(ctx, root, groups); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

func (g *ground) start(ctx context.Context, root string, groups []group) error {
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
	for i, kind := range groups {
		for n := range kind.size {
			if err := g.add(server, kind, rand.New(rand.NewPCG(uint64(i), uint64(n)))); err != nil {
				return err
			}
		}
	}
	var env []string
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		env = append(env, name+"="+server.Getenv(name))
	}
	members, err := fleet.Start(path, fleetSize, fleet.Config{Table: table, Circuits: g.circuits()}, env)
	if err != nil {
		return err
	}
	g.atClose(members.Close)
	for s := range g.all() {
		s.fleet = members
	}
	return nil
}

// add makes the next site of a group.
func (g *ground) add(server *dynamolocal.Server, kind group, random *rand.Rand) error {
	store, err := storeproxy.Start("127.0.0.1:0", server.Endpoint)
	if err != nil {
		return err
	}
	g.atClose(store.Close)
	settings := kind.settings.WithDefaults()
	settings.Name = fmt.Sprintf("%s-%d", kind.name, len(g.sites[kind.name])+1)
	s := &site{settings: settings, store: store, server: server, dependency: fleet.NewDependency(latency), random: random}
	g.atClose(s.dependency.Close)
	g.sites[kind.name] = append(g.sites[kind.name], s)
	return nil
}

// all returns every site.
func (g *ground) all() iter.Seq[*site] {
	return func(yield func(*site) bool) {
		for _, sites := range g.sites {
			for _, s := range sites {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// circuits are the sites as the members are told of them.
func (g *ground) circuits() (circuits []fleet.Circuit) {
	for s := range g.all() {
		circuits = append(circuits, fleet.Circuit{Settings: s.settings, Store: s.store.Endpoint(), Dependency: s.dependency.URL})
	}
	return circuits
}

// only returns the site of a group of one.
func (g *ground) only(group string) *site { return g.sites[group][0] }

func (g *ground) atClose(f func()) { g.closers = append(g.closers, f) }

// Close ends the fleet first and what it uses after it.
func (g *ground) Close() {
	for i := len(g.closers) - 1; i >= 0; i-- {
		g.closers[i]()
	}
}

// load has random members make calls at random times, so many a second on
// average, until it is stopped.
func (s *site) load(ctx context.Context, rate float64) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		next := time.Now()
		for {
			next = next.Add(time.Duration(s.random.ExpFloat64() / rate * float64(time.Second)))
			if !wait.Pause(ctx, time.Until(next)) {
				return
			}
			s.fleet.Call(s.settings.Name, s.random)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// calls are those that arrived in a time and have ended.
func (s *site) calls(from, to time.Time) []fleet.Call {
	return s.fleet.Calls(s.settings.Name, func(c fleet.Call) bool { return !c.At.Before(from) && c.At.Before(to) })
}

func (s *site) rejections(since time.Time) []fleet.Call {
	return s.fleet.Calls(s.settings.Name, func(c fleet.Call) bool { return !c.At.Before(since) && !c.Admitted })
}

// losses is how often the members took the circuit's store for lost, which
// here is only slow: the machine is too busy. What a member tells at the end of
// a call, one that is killed in it has told the dependency.
func (s *site) losses() int {
	most := map[string]int{}
	for _, c := range s.calls(time.Time{}, time.Now()) {
		most[c.Member] = max(most[c.Member], c.Losses)
	}
	for _, r := range s.dependency.Requests(time.Time{}, func(fleet.Request) bool { return true }) {
		most[r.Member] = max(most[r.Member], r.Losses)
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

// await waits for a request to the dependency that meets the condition, and
// gives the first since a moment.
func (s *site) await(ctx context.Context, what string, since time.Time, want func(fleet.Request) bool) (fleet.Request, error) {
	var found []fleet.Request
	err := wait.For(ctx, patience, what, func() bool {
		found = s.dependency.Requests(since, want)
		return len(found) > 0
	})
	if err != nil {
		return fleet.Request{}, fmt.Errorf("%s: %w", s.settings.Name, err)
	}
	return found[0], nil
}

const patience = 30 * time.Second

func isProbe(r fleet.Request) bool { return r.Probe }

func isGoodProbe(r fleet.Request) bool { return r.Probe && r.Health == fleet.Healthy }

func isOrdinary(r fleet.Request) bool { return !r.Probe }

// reach returns a store of this process, one environment more, that goes the
// members' way.
func (s *site) reach() *dynamostore.Store {
	return dynamostore.New(dynamostore.NewClient(through(s.server, s.store), nil), table)
}
