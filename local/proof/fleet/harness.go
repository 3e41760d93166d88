// Package fleet runs a fleet of execution environments as processes, each with its
// own breaker on one DynamoDB Local, in front of one dependency that journals every
// request. Environments are real: they are killed and frozen by signals, and they
// reach the store through proxies that break, hang, delay, lose and repeat. A run
// is judged by the journal and by the store's own answers to every write, not by
// what its environments report.
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

// Config of a Harness. All fields but Groups and ClockSpread are required.
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

// Harness is a fleet in front of a dependency, with its own table.
type Harness struct {
	Fleet      *Fleet
	Dependency *Dependency
	Stores     []*storeproxy.Proxy // by group

	config  Config
	client  *dynamodb.Client
	table   string
	history history
}

// Start starts everything and waits until each environment has read the record.
func Start(ctx context.Context, c Config) (*Harness, error) {
	c.Groups = max(c.Groups, 1)
	c.Settings = c.Settings.WithDefaults()
	h := &Harness{config: c, client: dynamostore.NewClient(c.Server.Getenv, nil), table: "fleet-" + rand.Text()}
	if err := dynamolocal.CreateTable(ctx, h.client, h.table); err != nil {
		return nil, err
	}
	h.Dependency = newDependency()
	h.Fleet = &Fleet{launch: h.launch, groups: c.Groups}
	if err := h.start(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *Harness) start(ctx context.Context) error {
	for range h.config.Groups {
		p, err := storeproxy.Start("127.0.0.1:0", h.config.Server.Endpoint)
		if err != nil {
			return err
		}
		p.Observe(h.history.answered)
		h.Stores = append(h.Stores, p)
	}
	_, err := h.Fleet.Add(ctx, h.config.Environments)
	return err
}

// launch starts an environment. The clocks' errors are spread evenly.
func (h *Harness) launch(id string, serial, group int) (*Environment, error) {
	config := wire.Config{
		ID: id, Table: h.table, Dependency: h.Dependency.server.URL, Settings: h.config.Settings,
		ClockOffset: h.config.ClockSpread * time.Duration(serial%5-2) / 2,
	}
	environment := []string{"AWS_ENDPOINT_URL_DYNAMODB=" + h.Stores[group].Endpoint()}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		environment = append(environment, name+"="+h.config.Server.Getenv(name))
	}
	return start(h.config.Binary, group, config, environment)
}

// Break puts a fault between every environment and the store. Fault{} heals.
func (h *Harness) Break(f storeproxy.Fault) error {
	for _, p := range h.Stores {
		if err := p.Set(f); err != nil {
			return err
		}
	}
	return nil
}

// Record reads the record consistently, without the proxies.
func (h *Harness) Record(ctx context.Context) (breaker.Record, error) {
	return h.Store().Load(ctx, h.config.Settings.Name, true)
}

// Store returns the fleet's store, without the proxies.
func (h *Harness) Store() *dynamostore.Store { return dynamostore.New(h.client, h.table) }

// Last returns the newest write that the store has answered, or a closed record
// before the first.
func (h *Harness) Last() Write { return h.history.last() }

// Log returns everything that was seen so far.
func (h *Harness) Log() (Log, error) {
	writes, err := h.history.all()
	l := Log{
		Settings: h.config.Settings, Skew: h.config.ClockSpread,
		Requests: h.Dependency.Requests(), Writes: writes, Reports: h.Fleet.Reports(),
		Freezes: map[string][]Span{},
	}
	for _, e := range h.Fleet.All() {
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
func (h *Harness) Close() error {
	h.Fleet.close()
	for _, p := range h.Stores {
		p.Close()
	}
	h.Dependency.close()
	if _, err := h.client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &h.table}); err != nil {
		return fmt.Errorf("delete table %s: %w", h.table, err)
	}
	return nil
}
