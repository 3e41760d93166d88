package function

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

// Gauge is called for a schedule's event {"coldfuse":"gauge"}. Its error becomes
// the invocation's, which the function's alarm counts.
type Gauge func(context.Context) error

// event is an HTTP API's, or the schedule's. Both are one type, so that an
// event is decoded once. API Gateway makes its events itself: no client can add
// a member.
type event struct {
	events.APIGatewayV2HTTPRequest
	// Coldfuse has any type, so that an event with another type can be decoded.
	Coldfuse any `json:"coldfuse"`
}

// dispatch returns a handler for lambda.Start that calls gauge for the schedule's
// event, which it answers with null, and serve for every other.
func dispatch(serve gateway.Handler, gauge Gauge) func(context.Context, event) (any, error) {
	return func(ctx context.Context, e event) (any, error) {
		if e.Coldfuse == "gauge" {
			return nil, gauge(ctx)
		}
		return serve(ctx, e.APIGatewayV2HTTPRequest)
	}
}
