package httpapi

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/local/stack/lambda"
)

// DefaultTimeout is how long the service waits for a function, and the most
// that it can be told to.
const DefaultTimeout = 30 * time.Second

const maxBody = 10 << 20

// Config of an API.
type Config struct {
	Routes []Route
	// Throttle is the stage's: each route without one of its own has this much.
	Throttle Throttle
	Now      func() time.Time // nil: time.Now
}

// API is an http.Handler that answers as the HTTP API would. It is safe for
// concurrent use.
type API struct {
	routes []entry // the most specific first
	now    func() time.Time
}

// New checks the routes. Two with the same method and path are an error.
func New(c Config) (*API, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	api := &API{now: c.Now}
	seen := map[string]bool{}
	for _, route := range c.Routes {
		segments, err := parsePath(route.Path)
		if err != nil {
			return nil, err
		}
		if seen[route.key()] {
			return nil, fmt.Errorf("route %s appears twice", route.key())
		}
		seen[route.key()] = true
		throttle := c.Throttle
		if route.Throttle != nil {
			throttle = *route.Throttle
		}
		api.routes = append(api.routes, entry{route, segments, newBucket(throttle, c.Now)})
	}
	slices.SortStableFunc(api.routes, moreSpecific)
	return api, nil
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	w.Header().Set("Apigw-Requestid", id)
	route, params, found := a.route(r)
	if !found {
		writeMessage(w, http.StatusNotFound, "Not Found")
		return
	}
	if !route.bucket.take() {
		writeMessage(w, http.StatusTooManyRequests, "Too Many Requests")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeBodyError(w, err)
		return
	}
	event := newEvent(r, body, route.Route, params, id, a.now())
	if route.Authorizer != nil {
		caller, rejection := route.Authorizer.Authorize(r, body)
		if rejection != nil {
			rejection.write(w, id)
			return
		}
		event.RequestContext.Authorizer = caller
	}
	if err := invoke(w, r, route, event); err != nil {
		slog.Debug("integration failed", "request", id, "route", route.key(), "error", err)
		writeInvokeError(w, err)
	}
}

func invoke(w http.ResponseWriter, r *http.Request, route entry, event events.APIGatewayV2HTTPRequest) error {
	payload, err := json.Marshal(event)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), cmp.Or(route.Timeout, DefaultTimeout))
	defer cancel()
	answer, err := route.Target.Invoke(ctx, payload)
	if err != nil {
		return err
	}
	return writeAnswer(w, answer)
}

func (a *API) route(r *http.Request) (entry, map[string]string, bool) {
	for _, e := range a.routes {
		if params, ok := e.match(r.Method, r.URL.EscapedPath()); ok {
			return e, params, true
		}
	}
	return entry{}, nil, false
}

func writeBodyError(w http.ResponseWriter, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		writeMessage(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	writeMessage(w, http.StatusBadRequest, "Bad Request")
}

func writeInvokeError(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, lambda.ErrPayloadTooLarge):
		writeMessage(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	case errors.Is(err, lambda.ErrThrottled), errors.Is(err, lambda.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		writeMessage(w, http.StatusServiceUnavailable, "Service Unavailable")
	default:
		writeMessage(w, http.StatusInternalServerError, "Internal Server Error")
	}
}

// requestID has the form of the service's: 16 characters of base64.
func requestID() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}
