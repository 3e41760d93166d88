//go:build linux

package rie

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse"
	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/connector"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/jira"
	"github.com/coldfuse/coldfuse/internal/resilience"
	"github.com/coldfuse/coldfuse/internal/telemetry"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

// newHandler is the function's handler with the world's configuration, put
// together as the function's main does it.
func newHandler(t *testing.T, function string, w *world, logger *slog.Logger) gateway.Handler {
	t.Helper()
	getenv := func(name string) string { return w.environment[name] }
	store := dynamostore.New(dynamostore.NewClient(getenv, nil), getenv("CIRCUITS_TABLE"))
	handlers := map[string]func() (http.Handler, error){
		"JiraFunction": func() (http.Handler, error) {
			c, err := config.Jira(getenv)
			if err != nil {
				return nil, err
			}
			client, calls, err := connector.New(t.Context(), getenv, logger, c.Connector, store, jira.Operations)
			if err != nil {
				return nil, err
			}
			return gateway.WithLocalSubject(jira.Handler(jira.New(client, calls, c.SiteURL)), c.LocalSubject), nil
		},
		"ResilienceFunction": func() (http.Handler, error) {
			c, err := config.Monitor(getenv)
			if err != nil {
				return nil, err
			}
			var circuits []resilience.Circuit
			for _, settings := range c.Circuits {
				circuit, err := breaker.New(breaker.Config{Settings: settings, Store: store})
				if err != nil {
					return nil, err
				}
				circuits = append(circuits, circuit)
			}
			return resilience.Handler(logger, time.Now, coldfuse.OpenAPI(), circuits...), nil
		},
	}
	handler, err := handlers[function]()
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Adapt(handler, telemetry.Fault(logger))
}
