// Command resilience is the Lambda function that shows the circuits' state, and
// gauges it by a schedule.
package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/coldfuse/coldfuse"
	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/function"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/resilience"
	"github.com/coldfuse/coldfuse/internal/telemetry"
	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

func main() { function.MainWithGauge("resilience", newHandler) }

func newHandler(_ context.Context, getenv func(string) string, logger *slog.Logger) (http.Handler, function.Gauge, error) {
	c, err := config.Monitor(getenv)
	if err != nil {
		return nil, nil, err
	}
	store := dynamostore.New(dynamostore.NewClient(getenv, nil), c.Table)
	circuits := make([]resilience.Circuit, len(c.Circuits))
	for i, settings := range c.Circuits {
		if circuits[i], err = breaker.New(breaker.Config{Settings: settings, Store: store, Observer: telemetry.Observer(logger)}); err != nil {
			return nil, nil, err
		}
	}
	handler := resilience.Handler(logger, time.Now, coldfuse.OpenAPI(), circuits...)
	return gateway.WithLocalSubject(handler, c.LocalSubject), resilience.Gauge(telemetry.Gauge(logger), circuits...), nil
}
