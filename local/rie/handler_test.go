//go:build linux

package rie

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse"
	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/confluence"
	"github.com/coldfuse/coldfuse/internal/connector"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/idempotency"
	"github.com/coldfuse/coldfuse/internal/jira"
	"github.com/coldfuse/coldfuse/internal/resilience"
	"github.com/coldfuse/coldfuse/internal/session"
	"github.com/coldfuse/coldfuse/internal/telemetry"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// newHandler is the function's handler with the world's configuration, put
// together as the function's main does it.
func newHandler(t *testing.T, function string, w *world, logger *slog.Logger) gateway.Handler {
	t.Helper()
	wire, ok := map[string]func(*testing.T, func(string) string, *slog.Logger) (http.Handler, error){
		"JiraFunction":       newJira,
		"ConfluenceFunction": newConfluence,
		"SessionsFunction":   newSessions,
		"ResilienceFunction": newResilience,
	}[function]
	if !ok {
		t.Fatalf("no handler for %s", function)
	}
	handler, err := wire(t, func(name string) string { return w.environment[name] }, logger)
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Adapt(handler, telemetry.Fault(logger))
}

func newJira(t *testing.T, getenv func(string) string, logger *slog.Logger) (http.Handler, error) {
	c, err := config.Jira(getenv)
	if err != nil {
		return nil, err
	}
	db := dynamostore.NewClient(getenv, nil)
	client, calls, err := connector.New(t.Context(), getenv, logger, c.Connector, dynamostore.New(db, c.Table), jira.Operations)
	if err != nil {
		return nil, err
	}
	keys := idempotency.New(idempotency.Config{Store: idempotency.NewTable(db, c.IdempotencyTable)})
	return gateway.WithLocalSubject(jira.Handler(jira.New(client, calls, c.SiteURL).WithKeys(keys)), c.LocalSubject), nil
}

func newConfluence(t *testing.T, getenv func(string) string, logger *slog.Logger) (http.Handler, error) {
	c, err := config.Confluence(getenv)
	if err != nil {
		return nil, err
	}
	store := dynamostore.New(dynamostore.NewClient(getenv, nil), c.Table)
	client, calls, err := connector.New(t.Context(), getenv, logger, c, store, confluence.Operations)
	if err != nil {
		return nil, err
	}
	return confluence.Handler(confluence.New(client, calls, c.SiteURL)), nil
}

func newSessions(_ *testing.T, getenv func(string) string, logger *slog.Logger) (http.Handler, error) {
	c, err := config.Sessions(getenv)
	if err != nil {
		return nil, err
	}
	calls, err := guard.New(guard.Config{
		Retry: c.Protection.Retry, TryTimeout: c.Protection.TryTimeout, Operations: session.Operations,
		Classify: session.Classify, Retryable: session.Retryable, Report: telemetry.Calls(logger),
	})
	if err != nil {
		return nil, err
	}
	sessions := session.New(session.Config{
		URI: config.MongoURI(getenv, c.SecretID), Database: c.Database, TTL: c.TTL, Guard: calls,
		Refused: telemetry.CredentialsRefused(logger, ""),
	})
	return gateway.WithLocalSubject(session.Handler(sessions), c.LocalSubject), nil
}

func newResilience(_ *testing.T, getenv func(string) string, logger *slog.Logger) (http.Handler, error) {
	c, err := config.Monitor(getenv)
	if err != nil {
		return nil, err
	}
	store := dynamostore.New(dynamostore.NewClient(getenv, nil), c.Table)
	var circuits []resilience.Circuit
	for _, settings := range c.Circuits {
		circuit, err := breaker.New(breaker.Config{Settings: settings, Store: store})
		if err != nil {
			return nil, err
		}
		circuits = append(circuits, circuit)
	}
	return gateway.WithLocalSubject(resilience.Handler(logger, time.Now, coldfuse.OpenAPI(), circuits...), c.LocalSubject), nil
}
