// Command jira is the Lambda function that connects to Jira Cloud.
package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/connector"
	"github.com/coldfuse/coldfuse/internal/function"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/idempotency"
	"github.com/coldfuse/coldfuse/internal/jira"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

func main() { function.Main("jira", newHandler) }

func newHandler(ctx context.Context, getenv func(string) string, logger *slog.Logger) (http.Handler, error) {
	c, err := config.Jira(getenv)
	if err != nil {
		return nil, err
	}
	tables := dynamostore.NewClient(getenv, nil)
	client, guard, err := connector.New(ctx, getenv, logger, c.Connector, dynamostore.New(tables, c.Table), jira.Operations)
	if err != nil {
		return nil, err
	}
	keys := idempotency.New(idempotency.Config{
		Store:  idempotency.NewTable(tables, c.IdempotencyTable),
		Report: func(ctx context.Context, err error) { logger.WarnContext(ctx, err.Error()) },
	})
	return gateway.WithLocalSubject(jira.Handler(jira.New(client, guard, c.SiteURL).WithKeys(keys)), c.LocalSubject), nil
}
