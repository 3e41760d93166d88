// Package connector makes the parts of every connector to an Atlassian product:
// credentials, a client, and the guard of its calls, whose circuit the whole fleet
// shares.
package connector

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/telemetry"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// New reads the connector's secret and its circuit, both at once because each
// dials and waits for an answer, and returns the client and the guard of the
// operations. It fails if the secret cannot be read. A store that cannot be
// reached is reported and is not an error: this environment then decides locally.
func New(ctx context.Context, getenv func(string) string, logger *slog.Logger, c config.Connector, store breaker.Store, operations []string) (*atlassian.Client, *guard.Guard, error) {
	c.Protection.WarnOfLength(logger)
	classify := atlassian.Classify(c.CountClientErrors)
	circuit, err := breaker.New(breaker.Config{Settings: c.Protection.Circuit, Store: store, Classify: classify, Observer: telemetry.Observer(logger)})
	if err != nil {
		return nil, nil, err
	}
	keys := atlassian.NewKeyring(config.Credentials(getenv, c.SecretID, c.Auth))
	var unread error
	var reads sync.WaitGroup
	reads.Go(func() { _ = circuit.Prime(ctx) }) // the observer reports it
	reads.Go(func() { unread = keys.Read(ctx) })
	protected, err := guard.New(guard.Config{
		Breaker: circuit, Retry: c.Protection.Retry, TryTimeout: c.Protection.TryTimeout, Operations: operations,
		Classify: classify, Retryable: atlassian.Retryable, Report: telemetry.Calls(logger),
	})
	reads.Wait()
	if err := errors.Join(err, unread); err != nil {
		return nil, nil, err
	}
	client := atlassian.New(atlassian.Config{
		Base: c.BaseURL, Auth: c.Auth, Keys: keys, Rejected: telemetry.CredentialsRejected(logger, circuit.Name()),
	})
	return client, protected, nil
}
