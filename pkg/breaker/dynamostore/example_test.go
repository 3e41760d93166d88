package dynamostore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/coldfuse/coldfuse/pkg/breaker"
	"github.com/coldfuse/coldfuse/pkg/breaker/dynamostore"
)

type (
	Order   struct{}
	Receipt struct{}
	Bank    interface {
		Pay(context.Context, Order) (Receipt, error)
	}
)

// newBreaker and pay hold the code that docs/library.md and README.md show;
// internal/house compares them.
func newBreaker(ctx context.Context, client *dynamodb.Client) (*breaker.Breaker, error) {
	b, err := breaker.New(breaker.Config{
		Settings: breaker.Settings{Name: "payments", ProbeTimeout: 2 * time.Second},
		Store:    dynamostore.New(client, "circuits"),
		Observer: breaker.Observer{StoreLost: func(ctx context.Context, circuit string, err error) {
			slog.WarnContext(ctx, "circuit store unreachable, deciding locally", "circuit", circuit, "error", err)
		}},
	})
	if err != nil {
		return nil, err
	}
	if err := b.Prime(ctx); err != nil {
		slog.WarnContext(ctx, "first read of the circuit failed", "error", err)
	}
	return b, nil
}

func pay(ctx context.Context, client *dynamodb.Client, bank Bank, order Order) (Receipt, error) {
	b, err := breaker.New(breaker.Config{ // once, when the process starts
		Settings: breaker.Settings{Name: "payments", ProbeTimeout: 2 * time.Second},
		Store:    dynamostore.New(client, "circuits"),
	})
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := breaker.Run(ctx, b, func(ctx context.Context, _ *breaker.Permit) (Receipt, error) {
		return bank.Pay(ctx, order)
	})
	if open, ok := errors.AsType[*breaker.OpenError](err); ok {
		return Receipt{}, fmt.Errorf("try again in %s", open.RetryAfter) // the bank was not called
	}
	return receipt, err
}

// A fleet shares a circuit through a table whose keys are "circuit" and
// "entry", both strings.
func Example() {
	_, _ = newBreaker, pay
}
