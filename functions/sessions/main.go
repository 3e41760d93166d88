// Command sessions is the Lambda function that keeps chat sessions in MongoDB.
package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/function"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/session"
	"github.com/coldfuse/coldfuse/internal/telemetry"
)

func main() { function.Main("sessions", newHandler) }

func newHandler(_ context.Context, getenv func(string) string, logger *slog.Logger) (http.Handler, error) {
	c, err := config.Sessions(getenv)
	if err != nil {
		return nil, err
	}
	c.Protection.WarnOfLength(logger)
	protected, err := guard.New(guard.Config{
		Retry: c.Protection.Retry, TryTimeout: c.Protection.TryTimeout, Operations: session.Operations,
		Classify: session.Classify, Retryable: session.Retryable, Report: telemetry.Calls(logger),
	})
	if err != nil {
		return nil, err
	}
	sessions := session.New(session.Config{
		URI: config.MongoURI(getenv, c.SecretID), Database: c.Database, TTL: c.TTL, Guard: protected,
		Rejected: telemetry.CredentialsRejected(logger, ""),
		Unusable: func(ctx context.Context, err error) {
			logger.WarnContext(ctx, "Secret cannot be used", slog.String("secret", c.SecretID), slog.String("error", err.Error()))
		},
	})
	return gateway.WithLocalSubject(session.Handler(sessions), c.LocalSubject), nil
}
