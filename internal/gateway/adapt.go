// Package gateway runs an http.Handler behind an API Gateway HTTP API. It
// converts the payload format 2.0 event to an *http.Request and the response
// back, decodes strict JSON, and writes RFC 9457 problems.
package gateway

import (
	"context"
	"net/http"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/events"
)

// Handler is what lambda.Start takes for an HTTP API.
type Handler = func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// Fault is called with a fault of the program: the value of a handler's panic or
// the error that it gave to Fail, and the stack.
type Fault func(ctx context.Context, value any, stack []byte)

type faultKey struct{}

// Adapt returns a Handler that serves HTTP API events with h. It never returns an
// error and never panics: either would reach the client as an unexplained 500,
// and a panic would end the environment. A panic in h goes to fault and is
// answered with a 500 problem. The Handler is safe for concurrent use if h and
// fault are; an environment with AWS_LAMBDA_MAX_CONCURRENCY above 1 needs that.
//
// h runs with the invocation's context and its deadline; RequestID and
// RequestContext read the event's metadata from it.
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

// serve reports whether h returned. After a panic its answer is worthless.
func serve(h http.Handler, r *http.Request, fault Fault) (answer *response, ok bool) {
	defer func() {
		if value := recover(); value != nil {
			fault(r.Context(), value, debug.Stack())
		}
	}()
	answer = &response{header: http.Header{}}
	h.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), faultKey{}, fault)))
	return answer, true
}

func problemEvent(ctx context.Context, p Problem) events.APIGatewayV2HTTPResponse {
	answer := &response{header: http.Header{}}
	writeProblem(ctx, answer, p)
	out, _ := answer.event()
	return out
}
