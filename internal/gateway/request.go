package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type requestContextKey struct{}

// RequestContext returns what API Gateway says about the request (caller, stage,
// source address). It returns false if ctx does not come from Adapt.
func RequestContext(ctx context.Context) (*events.APIGatewayV2HTTPRequestContext, bool) {
	rc, ok := ctx.Value(requestContextKey{}).(*events.APIGatewayV2HTTPRequestContext)
	return rc, ok
}

// RequestID returns the id by which the logs name the request: that of the
// Lambda invocation, else API Gateway's own, else "".
func RequestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	if rc, ok := RequestContext(ctx); ok {
		return rc.RequestID
	}
	return ""
}

func newRequest(ctx context.Context, event events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	if event.Version != "2.0" || !strings.HasPrefix(event.RawPath, "/") || event.RequestContext.HTTP.Method == "" {
		return nil, errors.New("not an HTTP API event of payload format 2.0: version, rawPath or requestContext.http.method is missing")
	}
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
			return nil, fmt.Errorf("body is not base64: %w", err)
		}
	}
	ctx = context.WithValue(ctx, requestContextKey{}, &event.RequestContext)
	r, err := http.NewRequestWithContext(ctx, event.RequestContext.HTTP.Method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.URL = target(event)
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = net.JoinHostPort(event.RequestContext.HTTP.SourceIP, "0")
	for name, value := range event.Headers {
		// API Gateway joins repeated headers with commas. The value is not split,
		// since dates and user agents contain commas too.
		r.Header.Set(name, value)
	}
	if len(event.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	r.Host = r.Header.Get("Host")
	r.Header.Del("Host")
	if r.Host == "" {
		r.Host = event.RequestContext.DomainName
	}
	return r, nil
}

// target returns the event's path and query unchanged. HTTP APIs pass rawPath
// percent-decoded, function URLs and local tools percent-encoded. A path that is
// not validly encoded is taken literally, so that "?", "#" or "%" in a decoded
// path stay part of the path.
func target(event events.APIGatewayV2HTTPRequest) *url.URL {
	raw := withoutStage(event.RawPath, event.RequestContext.Stage)
	path, err := url.PathUnescape(raw)
	if err != nil {
		path = raw
	}
	return &url.URL{Path: path, RawPath: raw, RawQuery: event.RawQueryString}
}

// withoutStage removes the prefix that every stage except $default adds to the
// path. Behind a custom domain there is no prefix.
func withoutStage(path, stage string) string {
	if stage == "" || stage == "$default" {
		return path
	}
	rest, found := strings.CutPrefix(path, "/"+stage)
	switch {
	case !found || rest != "" && rest[0] != '/':
		return path
	case rest == "":
		return "/"
	default:
		return rest
	}
}
