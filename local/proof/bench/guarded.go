package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// guarded measures what a guard, with breaker, retries and hystrix, adds to an
// HTTP call of a server on this machine, which answers at once: in a call of a
// service elsewhere it is lost.
func guarded(ctx context.Context, _ string) ([]figure, error) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }))
	defer server.Close()
	const operation = "bench.get"
	g, err := newGuard(ctx, operation)
	if err != nil {
		return nil, err
	}
	get := func(ctx context.Context) (int, error) { return fetch(ctx, server.URL) }
	ways := []func() error{
		func() error { _, err := get(ctx); return err },
		func() error { _, err := guard.Run(ctx, g, operation, get); return err },
	}
	const rounds, calls = 20, 200
	var bare, with, added, ratio []float64
	for range rounds {
		a, err := eachTime(calls, ways[0])
		if err != nil {
			return nil, err
		}
		b, err := eachTime(calls, ways[1])
		if err != nil {
			return nil, err
		}
		bare, with = append(bare, a...), append(with, b...)
		added, ratio = append(added, median(b)-median(a)), append(ratio, median(b)/median(a))
	}
	return []figure{
		measured("bare call, median, ms", "%.3f", median(bare)),
		measured("guarded call, median, ms", "%.3f", median(with)),
		measured("bare call, p99, ms", "%.3f", quantile(bare, 0.99)),
		measured("guarded call, p99, ms", "%.3f", quantile(with, 0.99)),
		atMost("added by the guard, median of the rounds' medians, ms", "%.3f", median(added), 0.1),
		measured("guarded over bare, median of the rounds' medians", "%.2f", median(ratio)),
	}, nil
}

// newGuard makes a guard as a connector does, on a store in memory.
func newGuard(ctx context.Context, operation string) (*guard.Guard, error) {
	circuit, err := breaker.New(breaker.Config{Settings: breaker.Settings{Name: "bench"}, Store: memstore.New()})
	if err != nil {
		return nil, err
	}
	if err := circuit.Prime(ctx); err != nil {
		return nil, err
	}
	return guard.New(guard.Config{
		Breaker: circuit, Retry: retry.Policy{MaxRetries: 3, BaseDelay: time.Second, MaxDelay: 10 * time.Second},
		TryTimeout: 4 * time.Second, Operations: []string{operation},
	})
}

// fetch makes a request, reads the answer, and returns the status.
func fetch(ctx context.Context, url string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// eachTime makes n calls in turn and returns the time of each, in ms.
func eachTime(n int, call func() error) ([]float64, error) {
	took := make([]float64, n)
	for i := range took {
		began := time.Now()
		if err := call(); err != nil {
			return nil, err
		}
		took[i] = milliseconds(time.Since(began))
	}
	return took, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
