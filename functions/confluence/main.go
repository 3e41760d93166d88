// Command confluence is the Lambda function that connects to Confluence Cloud.
package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/confluence"
	"github.com/coldfuse/coldfuse/internal/connector"
	"github.com/coldfuse/coldfuse/internal/function"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

func main() { function.Main("confluence", newHandler) }

func newHandler(ctx context.Context, getenv func(string) string, logger *slog.Logger) (http.Handler, error) {
	c, err := config.Confluence(getenv)
	if err != nil {
		return nil, err
	}
	store := dynamostore.New(dynamostore.NewClient(getenv, nil), c.Table)
	client, guard, err := connector.New(ctx, getenv, logger, c, store, confluence.Operations)
	if err != nil {
		return nil, err
	}
	return confluence.Handler(confluence.New(client, guard, c.SiteURL)), nil
}
