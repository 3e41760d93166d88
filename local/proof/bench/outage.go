package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/dynamolocal"
	"github.com/coldfuse/coldfuse/local/sim/storeproxy"
	"github.com/coldfuse/coldfuse/local/wait"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

const (
	outageLength = time.Minute
	outagePace   = 20 * time.Millisecond // one environment's calls
	backOffs     = 8                     // most tries of an unavailable store in a minute, by one environment
)

// outages are the ways in which the store fails under a healthy dependency.
var outages = []struct {
	name  string
	fault storeproxy.Fault
	lost  bool // no operation succeeds
}{
	{"there", storeproxy.Fault{}, false},
	{"refuses connections", storeproxy.Fault{Mode: storeproxy.Refuse}, true},
	{"hangs", storeproxy.Fault{Mode: storeproxy.Hang}, true},
	{"answers 250 ms late", storeproxy.Fault{Mode: storeproxy.Delay, Delay: 250 * time.Millisecond}, true},
	{"drops its replies", storeproxy.Fault{Mode: storeproxy.DropReply}, true},
}

// storeOutage measures what calls pay for the breaker during a store outage:
// admission and report, of one environment for each kind of outage, all at the
// same time. The calls themselves take no time, so that a background
// read is waited for in full.
func storeOutage(ctx context.Context, _ string) ([]figure, error) {
	server, err := dynamolocal.Start(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	took, errs := make([][]float64, len(outages)), make([]error, len(outages))
	var all sync.WaitGroup
	for i, o := range outages {
		all.Go(func() { took[i], errs[i] = underOutage(ctx, server, fmt.Sprintf("outage-%d", i), o.fault) })
	}
	all.Wait()
	var figures []figure
	for i, o := range outages {
		if errs[i] != nil {
			return nil, fmt.Errorf("store %s: %w", o.name, errs[i])
		}
		figures = append(figures, outageFigures("store "+o.name, o.lost, took[i])...)
	}
	return figures, nil
}

// outageFigures compares the times with the promise: a wait of 100 ms once in a
// back-off period, and nothing else. A busy machine adds waits, so nothing is
// promised of the longest.
func outageFigures(name string, lost bool, took []float64) []figure {
	value := fmt.Sprintf("%.3f / %.3f / %.1f", median(took), quantile(took, 0.99), quantile(took, 1))
	figures := []figure{measured(name+": p50 / p99 / most, ms", "%s", value)}
	if !lost {
		return figures
	}
	var waits []float64
	for _, ms := range took {
		if ms > 50 {
			waits = append(waits, ms)
		}
	}
	figures = append(figures,
		atMost(name+": p90, ms", "%.3f", quantile(took, 0.9), 1),
		atMost(name+": calls that waited over 50 ms", "%.0f", float64(len(waits)), backOffs+2),
	)
	if len(waits) > 2 {
		figures = append(figures, atMost(name+": their wait, median, ms", "%.1f", median(waits), 110))
	}
	return figures
}

// underOutage makes calls at a steady pace under a fault and returns what each
// paid, in ms.
func underOutage(ctx context.Context, server *dynamolocal.Server, table string, fault storeproxy.Fault) ([]float64, error) {
	proxy, err := storeproxy.Start("127.0.0.1:0", server.Endpoint)
	if err != nil {
		return nil, err
	}
	defer proxy.Close()
	client := dynamostore.NewClient(through(server, proxy), nil)
	if err := dynamolocal.CreateTable(ctx, client, table); err != nil {
		return nil, err
	}
	b, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "bench"}, Store: dynamostore.New(client, table)})
	if err != nil {
		return nil, err
	}
	if err := b.Prime(ctx); err != nil {
		return nil, err
	}
	if err := proxy.Set(fault); err != nil {
		return nil, err
	}
	var took []float64
	began := time.Now()
	for next := began; next.Sub(began) < outageLength; next = next.Add(outagePace) {
		if !wait.Pause(ctx, time.Until(next)) {
			return nil, ctx.Err()
		}
		asked := time.Now()
		permit, err := b.Allow(ctx)
		if err != nil {
			return nil, fmt.Errorf("a call was rejected: %w", err)
		}
		permit.Done(nil)
		took = append(took, milliseconds(time.Since(asked)))
	}
	return took, nil
}

// through returns the environment in which a client reaches the server through
// the proxy.
func through(server *dynamolocal.Server, proxy *storeproxy.Proxy) func(string) string {
	return func(name string) string {
		if name == "AWS_ENDPOINT_URL_DYNAMODB" {
			return proxy.Endpoint()
		}
		return server.Getenv(name)
	}
}
