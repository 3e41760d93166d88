package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/jirasim"
	"github.com/coldfuse/coldfuse/local/stack"
)

// fastFailure measures, through the HTTP API and a real bootstrap, a failing
// call with the default settings and the rejections that replace it once the
// circuit is open.
func fastFailure(ctx context.Context, root string) ([]figure, error) {
	s, err := stack.Start(ctx, stack.Config{Root: root, Warm: 5})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	healthy, err := timed(ctx, s.URL, 300, http.StatusOK)
	if err != nil {
		return nil, err
	}
	if err := s.Jira.Set(jirasim.Fault{Kind: jirasim.Down}); err != nil {
		return nil, err
	}
	failing, err := together(ctx, s.URL, 5)
	if err != nil {
		return nil, err
	}
	// The first rejection of each environment reads the record.
	if _, err := timed(ctx, s.URL, 50, http.StatusServiceUnavailable); err != nil {
		return nil, err
	}
	rejected, err := timed(ctx, s.URL, 1000, http.StatusServiceUnavailable)
	if err != nil {
		return nil, err
	}
	p99 := quantile(rejected, 0.99)
	return []figure{
		measured("healthy search, median, ms", "%.2f", median(healthy)),
		measured("failing search of 4 tries, median, ms", "%.0f", median(failing)),
		measured("rejected search, median, ms", "%.2f", median(rejected)),
		atMost("rejected search, p99, ms", "%.2f", p99, 10),
		atMost("rejected p99 over failing median", "%.5f", p99/median(failing), 0.01),
	}, nil
}

// timed makes n searches in turn and gives what each took, in ms.
func timed(ctx context.Context, url string, n, want int) ([]float64, error) {
	var took []float64
	for range n {
		d, status, err := search(ctx, url)
		if err != nil {
			return nil, err
		}
		if status != want {
			return nil, fmt.Errorf("a search was answered %d, want %d", status, want)
		}
		took = append(took, d)
	}
	return took, nil
}

// together makes n searches at once, each in an environment of its own.
func together(ctx context.Context, url string, n int) ([]float64, error) {
	took, errs := make([]float64, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { took[i], _, errs[i] = search(ctx, url) })
	}
	all.Wait()
	return took, errors.Join(errs...)
}

func search(ctx context.Context, url string) (ms float64, status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/v1/jira/search", strings.NewReader(`{"jql":"project = OPS"}`))
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, 0, err
	}
	return float64(time.Since(began)) / float64(time.Millisecond), res.StatusCode, nil
}
