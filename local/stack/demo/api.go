package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	circuit = "jira_api"
	search  = `{"jql":"project = OPS ORDER BY created DESC","limit":3}`
)

// api calls the system as its clients do.
type api struct {
	url    string
	client *http.Client
}

// answer is what came of one request.
type answer struct {
	status     int
	retryAfter string
	body       []byte
	took       time.Duration
}

func (a answer) String() string {
	return fmt.Sprintf("%d in %s: %s", a.status, a.took.Round(100*time.Microsecond), bytes.TrimSpace(a.body))
}

func (a api) do(ctx context.Context, method, path, body string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, a.url+"/api/v1"+path, bytes.NewBufferString(body))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	start := time.Now()
	response, err := a.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{response.StatusCode, response.Header.Get("Retry-After"), text, time.Since(start)}, nil
}

func (a api) search(ctx context.Context) (answer, error) {
	return a.do(ctx, "POST", "/jira/search", search)
}

// searchTogether makes n calls at once, each in its own
// environment.
func (a api) searchTogether(ctx context.Context, n int) ([]answer, error) {
	answers, errs := make([]answer, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { answers[i], errs[i] = a.search(ctx) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// stats is what the monitor says of the circuit.
type stats struct {
	State        string `json:"state"`
	FailureCount int    `json:"failure_count"`
	SuccessCount int    `json:"success_count"`
}

func (a api) stats(ctx context.Context) (stats, error) {
	var s stats
	return s, a.get(ctx, "/resilience/circuit-breakers/"+circuit, &s)
}

// health is the monitor's summary for people and load balancers.
type health struct {
	Status       string `json:"status"`
	OpenCircuits []struct {
		Name         string `json:"name"`
		FailureCount int    `json:"failure_count"`
	} `json:"open_circuits"`
}

func (a api) health(ctx context.Context) (health, error) {
	var h health
	return h, a.get(ctx, "/resilience/health", &h)
}

func (a api) get(ctx context.Context, path string, v any) error {
	got, err := a.do(ctx, "GET", path, "")
	if err != nil {
		return err
	}
	if got.status != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, got)
	}
	return json.Unmarshal(got.body, v)
}
