// Command jira is the Lambda function that connects to Jira Cloud.
package main

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/jira"
	"github.com/coldfuse/coldfuse/internal/telemetry"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

func main() {
	logger := telemetry.Setup(os.Stdout, "jira", os.Getenv("LOG_LEVEL"))
	handler, err := newHandler(context.Background(), os.Getenv, logger)
	if err != nil {
		logger.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

func newHandler(ctx context.Context, getenv func(string) string, logger *slog.Logger) (gateway.Handler, error) {
	c, err := config.Jira(getenv)
	if err != nil {
		return nil, err
	}
	if budget := guard.Budget(c.Protection.Retry, c.Protection.TryTimeout); budget > config.HTTPLimit {
		logger.Warn("Retries do not fit an HTTP request, only direct invocation", "budget_s", budget.Seconds(), "limit_s", config.HTTPLimit.Seconds())
	}
	classify := atlassian.Classify(c.CountClientErrors)
	circuit, err := breaker.New(breaker.Config{
		Settings: c.Protection.Circuit,
		Store:    dynamostore.New(dynamostore.NewClient(getenv, nil), c.Table),
		Classify: classify,
		Observer: telemetry.Observer(logger),
	})
	if err != nil {
		return nil, err
	}
	var primed sync.WaitGroup // beside the secret: each takes a dial and an answer
	primed.Go(func() { _ = circuit.Prime(ctx) /* its observer reports a store that is away */ })
	keys, err := atlassian.NewKeyring(ctx, config.Credentials(getenv, c.SecretID), time.Now)
	primed.Wait()
	if err != nil {
		return nil, err
	}
	calls, err := guard.New(guard.Config{
		Breaker: circuit, Retry: c.Protection.Retry, TryTimeout: c.Protection.TryTimeout, Operations: jira.Operations,
		Classify: classify, Retryable: atlassian.Retryable, Report: telemetry.Calls(logger),
	})
	if err != nil {
		return nil, err
	}
	client := atlassian.New(atlassian.Config{
		Base: c.BaseURL, Auth: c.Auth, Keys: keys,
		Refused: func(ctx context.Context) { telemetry.CredentialsRefused(ctx, logger, jira.Circuit) },
	})
	return gateway.Adapt(jira.Handler(jira.New(client, calls, c.SiteURL)), telemetry.Fault(logger)), nil
}
