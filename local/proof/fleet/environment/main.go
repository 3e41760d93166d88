// Command environment is one execution environment of a fleet: a breaker in
// front of a dependency. See package wire.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "environment:", err)
		os.Exit(1)
	}
}

// run serves calls until in ends.
func run(in io.Reader, out io.Writer) error {
	e := &environment{out: json.NewEncoder(out)}
	if err := json.Unmarshal([]byte(os.Getenv(wire.Variable)), &e.config); err != nil {
		return fmt.Errorf("%s: %w", wire.Variable, err)
	}
	b, err := breaker.New(breaker.Config{
		Settings:    e.config.Settings,
		Store:       dynamostore.New(dynamostore.NewClient(os.Getenv, nil), e.config.Table),
		Environment: e.config.ID,
		Classify:    classify,
		Now:         func() time.Time { return time.Now().Add(e.config.ClockOffset) },
		Observer:    e.observer(),
	})
	if err != nil {
		return err
	}
	e.breaker = b
	_ = b.Prime(context.Background()) // its failure is reported as Lost
	e.report(wire.Report{Kind: wire.Ready})
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var c wire.Call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("call: %w", err)
		}
		e.serve(c)
	}
	return lines.Err()
}

type environment struct {
	config  wire.Config
	breaker *breaker.Breaker
	local   atomic.Bool // the store is unavailable

	mu  sync.Mutex
	out *json.Encoder
}

func (e *environment) observer() breaker.Observer {
	return breaker.Observer{
		Transition: func(_ context.Context, t breaker.Transition) {
			e.report(wire.Report{Kind: wire.Transition, Transition: t})
		},
		StoreLost: func(_ context.Context, _ string, err error) {
			e.local.Store(true)
			e.report(wire.Report{Kind: wire.Lost, Error: err.Error()})
		},
		StoreReturned: func(context.Context, string, time.Duration) {
			e.local.Store(false)
			e.report(wire.Report{Kind: wire.Returned})
		},
	}
}

// report writes a line. An error means that the fleet has ended, and this
// process with it.
func (e *environment) report(r wire.Report) {
	r.At = time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.out.Encode(r)
}

func (e *environment) serve(c wire.Call) {
	ctx, cancel := context.WithTimeout(context.Background(), c.Limit)
	defer cancel()
	r := wire.Report{Kind: wire.Done, Call: c.ID, Outcome: wire.Served}
	err := e.breaker.Do(ctx, func(ctx context.Context, p *breaker.Permit) error {
		r.Probe, r.Local = p.Probe(), e.local.Load()
		return e.ask(ctx, r)
	})
	var open *breaker.OpenError
	switch {
	case errors.As(err, &open):
		r.Outcome, r.Local = wire.Rejected, open.Local
	case err != nil:
		r.Outcome, r.Error = wire.Failed, err.Error()
	}
	e.report(r)
}
