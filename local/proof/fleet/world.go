// Package fleet runs a fleet of execution environments as processes, each with its
// own breaker on one DynamoDB Local, in front of one dependency that journals every
// request. Environments are real: they are killed and frozen by signals, and they
// reach the store through proxies that break, hang, delay, lose and repeat. What
// is known of a run is not what environments say of themselves, but the journal and
// the store's own answers to every write.
//
// Package chaos breaks such a fleet, and command bench measures it.
package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/local/stack/bootstrap"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// Build compiles the environments' program into a folder. source is the folder
// "environment" of this package.
func Build(ctx context.Context, source, folder string) (binary string, err error) {
	binary, err = filepath.Abs(filepath.Join(folder, "environment"))
	if err != nil {
		return "", err
	}
	return binary, bootstrap.Build(ctx, source, binary)
}

// Config of a World. All fields but Groups and ClockSpread are required.
type Config struct {
	Binary       string // see Build
	Server       *dynamolocal.Server
	Environments int
	// Groups of environments reach the store through a proxy each. Default 1.
	Groups int
	// ClockSpread is the largest error of an environment's clock, in both
	// directions.
	ClockSpread time.Duration
	Settings    breaker.Settings
}

// World is a fleet in front of a dependency, with its own table.
type World struct {
	Fleet      *Fleet
	Dependency *Dependency
	Stores     []*storeproxy.Proxy // by group

	config  Config
	client  *dynamodb.Client
	table   string
	history history
}

// Start starts everything and waits until each environment has made its first
// read.
func Start(ctx context.Context, c Config) (*World, error) {
	c.Groups = max(c.Groups, 1)
	c.Settings = c.Settings.WithDefaults()
	w := &World{config: c, client: dynamostore.NewClient(c.Server.Getenv, nil), table: "fleet-" + rand.Text()}
	if err := dynamolocal.CreateTable(ctx, w.client, w.table); err != nil {
		return nil, err
	}
	w.Dependency = newDependency()
	w.Fleet = &Fleet{launch: w.launch, groups: c.Groups}
	if err := w.start(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *World) start(ctx context.Context) error {
	for range w.config.Groups {
		p, err := storeproxy.Start("127.0.0.1:0", w.config.Server.Endpoint)
		if err != nil {
			return err
		}
		p.Observe(w.history.answered)
		w.Stores = append(w.Stores, p)
	}
	_, err := w.Fleet.Add(ctx, w.config.Environments)
	return err
}

// launch starts an environment. Clocks are spread evenly.
func (w *World) launch(id string, serial, group int) (*Environment, error) {
	config := wire.Config{
		ID: id, Table: w.table, Dependency: w.Dependency.server.URL, Settings: w.config.Settings,
		ClockOffset: w.config.ClockSpread * time.Duration(serial%5-2) / 2,
	}
	environment := []string{"AWS_ENDPOINT_URL_DYNAMODB=" + w.Stores[group].Endpoint()}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		environment = append(environment, name+"="+w.config.Server.Getenv(name))
	}
	return start(w.config.Binary, group, config, environment)
}

// Break puts a fault between the store and every environment, Fault{} heals.
func (w *World) Break(f storeproxy.Fault) error {
	for _, p := range w.Stores {
		if err := p.Set(f); err != nil {
			return err
		}
	}
	return nil
}

// Record reads the circuit, strongly consistently and past the proxies.
func (w *World) Record(ctx context.Context) (breaker.Record, error) {
	return w.Store().Load(ctx, w.config.Settings.Name, true)
}

// Store returns the fleet's store, past the proxies.
func (w *World) Store() *dynamostore.Store { return dynamostore.New(w.client, w.table) }

// Last is the newest write that the store has answered; before the first, the
// zero Write, closed.
func (w *World) Last() Write { return w.history.last() }

// Log is everything that was seen.
func (w *World) Log() (Log, error) {
	writes, err := w.history.all()
	l := Log{
		Settings: w.config.Settings, Skew: w.config.ClockSpread,
		Requests: w.Dependency.Requests(), Writes: writes, Reports: w.Fleet.Reports(),
		Freezes: map[string][]Span{},
	}
	for _, e := range w.Fleet.All() {
		e.mu.Lock()
		if len(e.freezes) > 0 {
			l.Freezes[e.ID] = slices.Clone(e.freezes)
		}
		if e.crashed {
			l.Crashed = append(l.Crashed, e.ID)
		}
		e.mu.Unlock()
	}
	return l, err
}

// Close kills every environment and deletes the table.
func (w *World) Close() error {
	w.Fleet.close()
	for _, p := range w.Stores {
		p.Close()
	}
	w.Dependency.close()
	if _, err := w.client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &w.table}); err != nil {
		return fmt.Errorf("delete table %s: %w", w.table, err)
	}
	return nil
}
