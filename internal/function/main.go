// Package function runs an http.Handler as a Lambda function behind an HTTP
// API.
package function

import (
	"context"
	"log/slog"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/telemetry"
)

// Main is the main of the function called service. It puts the handler
// together, which may read secrets and records, and serves events until the
// environment ends. If that fails it says why in one line and exits with 1.
func Main(service string, newHandler func(context.Context, func(string) string, *slog.Logger) (http.Handler, error)) {
	logger := telemetry.Setup(os.Stdout, service, os.Getenv("LOG_LEVEL"))
	handler, err := newHandler(context.Background(), os.Getenv, logger)
	if err != nil {
		logger.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(gateway.Adapt(handler, telemetry.Fault(logger)))
}
