//go:build linux

package rie

import (
	"log/slog"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/jira"
	"github.com/coldfuse/coldfuse/internal/resilience"
	"github.com/coldfuse/coldfuse/internal/telemetry"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// newHandler is the function's handler with the world's configuration.
func newHandler(t *testing.T, function string, w *world, logger *slog.Logger) gateway.Handler {
	t.Helper()
	getenv := func(name string) string { return w.environment[name] }
	store := dynamostore.New(dynamostore.NewClient(getenv, nil), getenv("CIRCUITS_TABLE"))
	circuit := func(settings breaker.Settings) *breaker.Breaker {
		b, err := breaker.New(breaker.Config{Settings: settings, Store: store, Classify: atlassian.Classify(false), Observer: telemetry.Observer(logger)})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if function == "ResilienceFunction" {
		c, err := config.Monitor(getenv)
		if err != nil {
			t.Fatal(err)
		}
		circuits := []resilience.Circuit{circuit(c.Circuits[0]), circuit(c.Circuits[1])}
		return gateway.Adapt(resilience.Handler(logger, time.Now, circuits...), telemetry.Fault(logger))
	}
	c, err := config.Jira(getenv)
	if err != nil {
		t.Fatal(err)
	}
	keys := atlassian.NewKeyring(config.Credentials(getenv, c.SecretID, c.Auth))
	if err := keys.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls, err := guard.New(guard.Config{
		Breaker: circuit(c.Protection.Circuit), Retry: c.Protection.Retry, TryTimeout: c.Protection.TryTimeout,
		Operations: jira.Operations, Classify: atlassian.Classify(false), Retryable: atlassian.Retryable, Report: telemetry.Calls(logger),
	})
	if err != nil {
		t.Fatal(err)
	}
	client := atlassian.New(atlassian.Config{Base: c.BaseURL, Auth: c.Auth, Keys: keys})
	return gateway.Adapt(jira.Handler(jira.New(client, calls, c.SiteURL)), telemetry.Fault(logger))
}
