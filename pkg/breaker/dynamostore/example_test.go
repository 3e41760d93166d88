package dynamostore_test

import (
	"context"
	"errors"
	"fmt"
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

// pay holds the code that README.md shows; internal/house compares the two.
func pay(ctx context.Context, client *dynamodb.Client, bank Bank, order Order) (Receipt, error) {
	b, err := breaker.New(breaker.Config{
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
	_ = pay
}
