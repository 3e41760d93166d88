// Command sessions is the Lambda function that keeps chat sessions in MongoDB.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/session"
	"github.com/coldfuse/coldfuse/internal/telemetry"
)

func main() {
	logger := telemetry.Setup(os.Stdout, "sessions", os.Getenv("LOG_LEVEL"))
	handler, err := newHandler(os.Getenv, logger)
	if err != nil {
		logger.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

func newHandler(getenv func(string) string, logger *slog.Logger) (gateway.Handler, error) {
	c, err := config.Sessions(getenv)
	if err != nil {
		return nil, err
	}
	c.Protection.WarnOfLength(logger)
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
	handler := gateway.WithLocalSubject(session.Handler(sessions), c.LocalSubject)
	return gateway.Adapt(handler, telemetry.Fault(logger)), nil
}
