// Command member is one environment of a fleet that package fleet runs.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/bench/fleet"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

func main() {
	if err := serve(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "member:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context) error {
	var c fleet.Config
	if err := json.Unmarshal([]byte(os.Getenv(fleet.ConfigVariable)), &c); err != nil {
		return fmt.Errorf("%s: %w", fleet.ConfigVariable, err)
	}
	out := &output{encoder: json.NewEncoder(os.Stdout)}
	calls := map[string]chan<- struct{}{}
	for _, declared := range c.Circuits {
		circuit, err := newCircuit(ctx, c, declared)
		if err != nil {
			return err
		}
		// A thousand: whoever asks for calls must not wait for them.
		queue := make(chan struct{}, 1000)
		calls[declared.Settings.Name] = queue
		go circuit.serve(ctx, queue, out)
	}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		calls[lines.Text()] <- struct{}{}
	}
	return lines.Err()
}

type output struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func (o *output) write(c fleet.Call) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.encoder.Encode(c)
}

// circuit is this member's part of one, and the dependency behind it.
type circuit struct {
	member     string
	breaker    *breaker.Breaker
	dependency string
	client     *http.Client
	losses     atomic.Int32 // of the store
}

func newCircuit(ctx context.Context, c fleet.Config, declared fleet.Circuit) (*circuit, error) {
	client := dynamostore.NewClient(func(name string) string {
		if name == "AWS_ENDPOINT_URL_DYNAMODB" {
			return declared.Store
		}
		return os.Getenv(name)
	}, nil)
	made := &circuit{member: c.Member, dependency: declared.Dependency, client: &http.Client{Timeout: declared.Settings.ProbeTimeout}}
	b, err := breaker.New(breaker.Config{
		Settings: declared.Settings, Store: dynamostore.New(client, c.Table),
		Observer: breaker.Observer{StoreLost: func(context.Context, string, error) { made.losses.Add(1) }},
	})
	if err != nil {
		return nil, err
	}
	made.breaker = b
	_ = b.Prime(ctx) // without the store it decides alone, as a function would
	return made, nil
}

func (c *circuit) serve(ctx context.Context, queue <-chan struct{}, out *output) {
	for range queue {
		out.write(c.call(ctx))
	}
}

func (c *circuit) call(ctx context.Context) (made fleet.Call) {
	made = fleet.Call{Member: c.member, Circuit: c.breaker.Name(), At: time.Now()}
	permit, err := c.breaker.Allow(ctx)
	made.Allow = time.Since(made.At)
	defer func() { made.Losses = int(c.losses.Load()) }()
	if err != nil {
		made.Ended = time.Now()
		return made
	}
	made.Admitted, made.Probe = true, permit.Probe()
	err = c.request(ctx, made.Probe)
	made.Failed, made.Ended = err != nil, time.Now()
	permit.Done(err)
	made.Done = time.Since(made.Ended)
	return made
}

func (c *circuit) request(ctx context.Context, probe bool) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.dependency, nil)
	if err != nil {
		return err
	}
	r.Header.Set(fleet.MemberHeader, c.member)
	r.Header.Set(fleet.LossesHeader, strconv.Itoa(int(c.losses.Load())))
	if probe {
		r.Header.Set(fleet.ProbeHeader, "true")
	}
	res, err := c.client.Do(r)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", res.StatusCode)
	}
	return nil
}
