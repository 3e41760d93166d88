// Command jira is the Lambda function that connects to Jira Cloud.
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"

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
		return nil, c.WithSecret(ctx, getenv, err)
	}
	c.Protection.WarnOfLength(logger)
	classify := atlassian.Classify(c.CountClientErrors)
	store := dynamostore.New(dynamostore.NewClient(getenv, nil), c.Table)
	circuit, err := breaker.New(breaker.Config{Settings: c.Protection.Circuit, Store: store, Classify: classify, Observer: telemetry.Observer(logger)})
	if err != nil {
		return nil, err
	}
	keys := atlassian.NewKeyring(config.Credentials(getenv, c.SecretID, c.Auth))
	var unread error
	var reads sync.WaitGroup                    // side by side: each dials and waits for an answer
	reads.Go(func() { _ = circuit.Prime(ctx) }) // the observer reports a store that is away
	reads.Go(func() { unread = keys.Read(ctx) })
	calls, err := guard.New(guard.Config{
		Breaker: circuit, Retry: c.Protection.Retry, TryTimeout: c.Protection.TryTimeout, Operations: jira.Operations,
		Classify: classify, Retryable: atlassian.Retryable, Report: telemetry.Calls(logger),
	})
	reads.Wait()
	if err := errors.Join(err, unread); err != nil {
		return nil, err
	}
	client := atlassian.New(atlassian.Config{Base: c.BaseURL, Auth: c.Auth, Keys: keys, Refused: telemetry.CredentialsRefused(logger, jira.Circuit)})
	return gateway.Adapt(jira.Handler(jira.New(client, calls, c.SiteURL)), telemetry.Fault(logger)), nil
}
