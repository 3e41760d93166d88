package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/jira"
	"github.com/coldfuse/coldfuse/internal/telemetry"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/jirasim"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
	"github.com/coldfuse/coldfuse/pkg/retry"
)

// warmSearch measures what this code adds to a search that Jira answers with 50
// issues, from the event to the answer: everything but the network, the
// runtime API, and the store, which a closed circuit reads in the background.
func warmSearch(ctx context.Context, _ string) ([]figure, error) {
	replay := &replay{next: jirasim.New(atlassiansim.Options{Lag: atlassiansim.NoLag})}
	handler, err := searchHandler(ctx, replay)
	if err != nil {
		return nil, err
	}
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST /api/v1/jira/search", RawPath: "/api/v1/jira/search",
		Headers: map[string]string{"content-type": "application/json", "host": "api.example.com"},
		Body:    `{"jql":"project = OPS","limit":50}`,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RequestID: "bench", Stage: "$default",
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: http.MethodPost, Path: "/api/v1/jira/search"},
		},
	}
	call := func() (events.APIGatewayV2HTTPResponse, error) { return handler(ctx, event) }
	answer, err := call()
	if err != nil {
		return nil, err
	}
	if err := has50Issues(answer); err != nil {
		return nil, err
	}
	// Other processes can only make a call slower: the quietest round counts.
	var medians, p99s []float64
	for range 20 {
		took, err := eachTime(1000, func() error { _, err := call(); return err })
		if err != nil {
			return nil, err
		}
		medians, p99s = append(medians, median(took)), append(p99s, quantile(took, 0.99))
	}
	allocs := testing.AllocsPerRun(1000, func() { _, err = call() })
	if err != nil {
		return nil, err
	}
	return []figure{
		measured("Jira's answer, KB", "%.1f", float64(len(replay.body))/1e3),
		measured("median of 1000, ms", "%.3f", slices.Min(medians)),
		atMost("p99 of 1000, best of 20 rounds, ms", "%.3f", slices.Min(p99s), 1),
		atMost("allocations", "%.0f", allocs, 250),
		atMost("the answer with default fields, KB", "%.1f", float64(len(answer.Body))/1e3, 40),
	}, nil
}

// searchHandler is the Jira function's handler as its main makes it, with
// another transport and store.
func searchHandler(ctx context.Context, transport http.RoundTripper) (gateway.Handler, error) {
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil))
	classify := atlassian.Classify(false)
	circuit, err := breaker.New(breaker.Config{
		Settings: breaker.Settings{Name: jira.Circuit}, Store: memstore.New(), Classify: classify, Observer: telemetry.Observer(logger),
	})
	if err != nil {
		return nil, err
	}
	if err := circuit.Prime(ctx); err != nil {
		return nil, err
	}
	calls, err := guard.New(guard.Config{
		Breaker: circuit, Retry: retry.Policy{MaxRetries: 3, BaseDelay: time.Second, MaxDelay: 10 * time.Second}, TryTimeout: 4 * time.Second,
		Operations: jira.Operations, Classify: classify, Retryable: atlassian.Retryable, Report: telemetry.Calls(logger),
	})
	if err != nil {
		return nil, err
	}
	keys := atlassian.NewKeyring(func(context.Context) (atlassian.Credentials, error) {
		return atlassian.Credentials{Email: atlassiansim.DefaultEmail, Token: atlassiansim.DefaultToken}, nil
	})
	if err := keys.Read(ctx); err != nil {
		return nil, err
	}
	site := &url.URL{Scheme: "https", Host: "site.example.com"}
	client := atlassian.New(atlassian.Config{Base: site, Auth: atlassian.Basic, Keys: keys, Transport: transport})
	return gateway.Adapt(jira.Handler(jira.New(client, calls, site)), telemetry.Fault(logger)), nil
}

func has50Issues(answer events.APIGatewayV2HTTPResponse) error {
	var page struct{ Items []json.RawMessage }
	if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.StatusCode != http.StatusOK || len(page.Items) != 50 {
		return fmt.Errorf("the search was answered %d with %d issues", answer.StatusCode, len(page.Items))
	}
	return nil
}

// replay is a network without latency: it sends the first request and repeats
// the answer to every other.
type replay struct {
	next   http.Handler
	header http.Header
	body   []byte
}

func (r *replay) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.body == nil {
		w := httptest.NewRecorder()
		r.next.ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			return nil, errors.New("the simulator answered " + w.Body.String())
		}
		r.header, r.body = w.Result().Header, w.Body.Bytes()
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: r.header, Body: io.NopCloser(bytes.NewReader(r.body)), ContentLength: int64(len(r.body)), Request: req,
	}, nil
}
