// Command confluence is the Lambda function that connects to Confluence Cloud.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/confluence"
	"github.com/coldfuse/coldfuse/internal/connector"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/telemetry"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

func main() {
	logger := telemetry.Setup(os.Stdout, "confluence", os.Getenv("LOG_LEVEL"))
	handler, err := newHandler(context.Background(), os.Getenv, logger)
	if err != nil {
		logger.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

func newHandler(ctx context.Context, getenv func(string) string, logger *slog.Logger) (gateway.Handler, error) {
	c, err := config.Confluence(getenv)
	if err != nil {
		return nil, c.WithSecret(ctx, getenv, err)
	}
	store := dynamostore.New(dynamostore.NewClient(getenv, nil), c.Table)
	client, calls, err := connector.New(ctx, getenv, logger, c, store, confluence.Operations)
	if err != nil {
		return nil, err
	}
	handler := confluence.Handler(confluence.New(client, calls, c.SiteURL))
	return gateway.Adapt(handler, telemetry.Fault(logger)), nil
}
