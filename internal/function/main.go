// Package function runs an http.Handler as a Lambda function behind an HTTP API,
// and a gauge that a schedule invokes in the same function.
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

// Main is the main of the function called service. It makes the handler, which
// may read secrets and records, and serves events until the environment ends. If
// that fails it logs the error in one line and exits with 1.
func Main(service string, newHandler func(context.Context, func(string) string, *slog.Logger) (http.Handler, error)) {
	start(service, func(logger *slog.Logger) (any, error) {
		handler, err := newHandler(context.Background(), os.Getenv, logger)
		return gateway.Adapt(handler, telemetry.Fault(logger)), err
	})
}

// MainWithGauge is Main for a function that a schedule invokes too.
func MainWithGauge(service string, newHandler func(context.Context, func(string) string, *slog.Logger) (http.Handler, Gauge, error)) {
	start(service, func(logger *slog.Logger) (any, error) {
		handler, gauge, err := newHandler(context.Background(), os.Getenv, logger)
		return dispatch(gateway.Adapt(handler, telemetry.Fault(logger)), gauge), err
	})
}

func start(service string, prepare func(*slog.Logger) (any, error)) {
	logger := telemetry.Setup(os.Stdout, service, os.Getenv)
	handler, err := prepare(logger)
	if err != nil {
		logger.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}
