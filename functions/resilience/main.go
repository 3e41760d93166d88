// Command resilience is the Lambda function that shows the circuits' state.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/coldfuse/coldfuse"
	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/resilience"
	"github.com/coldfuse/coldfuse/internal/telemetry"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

func main() {
	logger := telemetry.Setup(os.Stdout, "resilience", os.Getenv("LOG_LEVEL"))
	handler, err := newHandler(os.Getenv, logger)
	if err != nil {
		logger.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

func newHandler(getenv func(string) string, logger *slog.Logger) (gateway.Handler, error) {
	c, err := config.Monitor(getenv)
	if err != nil {
		return nil, err
	}
	store := dynamostore.New(dynamostore.NewClient(getenv, nil), c.Table)
	circuits := make([]resilience.Circuit, len(c.Circuits))
	for i, settings := range c.Circuits {
		if circuits[i], err = breaker.New(breaker.Config{Settings: settings, Store: store}); err != nil {
			return nil, err
		}
	}
	return gateway.Adapt(resilience.Handler(logger, time.Now, coldfuse.OpenAPI(), circuits...), telemetry.Fault(logger)), nil
}
