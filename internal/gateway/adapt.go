// Package gateway lets a function behind an API Gateway HTTP API be written
// as an http.Handler: it turns the payload format 2.0 event into an
// *http.Request and the answer back, reads strict JSON, and writes RFC 9457
// problems.
package gateway

import (
	"context"
	"net/http"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/events"
)

// Handler is what lambda.Start takes for an HTTP API.
type Handler = func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// Fault is told of a panic in a handler: its value and stack.
type Fault func(ctx context.Context, value any, stack []byte)

// Adapt serves HTTP API events by h. The Handler never returns an error and
// never panics, since either would reach the client as an unexplained 500, and
// a panic would take the environment with it: a panic in h goes to fault and is
// answered as a 500 problem. It is safe for concurrent use if h and fault are,
// which one environment with AWS_LAMBDA_MAX_CONCURRENCY above 1 needs.
//
// h runs with the invocation's context, deadline included; RequestID and
// RequestContext read what the event brought along.
func Adapt(h http.Handler, fault Fault) Handler {
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		r, err := newRequest(ctx, event)
		if err != nil {
			return problemEvent(ctx, Problem{
				Type:   "malformed-event",
				Title:  "Malformed event",
				Status: http.StatusBadRequest,
				Detail: err.Error(),
			}), nil
		}
		answer, ok := serve(h, r, fault)
		if !ok {
			return problemEvent(r.Context(), Problem{Status: http.StatusInternalServerError}), nil
		}
		out, ok := answer.event()
		if !ok {
			return problemEvent(r.Context(), Problem{
				Type:   "response-too-large",
				Title:  "Response too large",
				Status: http.StatusInternalServerError,
				Detail: "the answer is larger than the 6 MB that a function may return: ask for less at a time",
			}), nil
		}
		return out, nil
	}
}

// serve reports false if h panicked: what it had written is then worthless.
func serve(h http.Handler, r *http.Request, fault Fault) (answer *response, ok bool) {
	defer func() {
		if value := recover(); value != nil {
			fault(r.Context(), value, debug.Stack())
		}
	}()
	answer = &response{header: http.Header{}}
	h.ServeHTTP(answer, r)
	return answer, true
}

func problemEvent(ctx context.Context, p Problem) events.APIGatewayV2HTTPResponse {
	answer := &response{header: http.Header{}}
	writeProblem(ctx, answer, p)
	out, _ := answer.event()
	return out
}
