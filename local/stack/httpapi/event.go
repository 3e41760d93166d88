package httpapi

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// newEvent makes the event of payload format 2.0. Path and query are passed
// verbatim; repeated headers and parameters are joined by commas; cookies move
// to their own list.
func newEvent(r *http.Request, body []byte, route Route, params map[string]string, requestID string, now time.Time) events.APIGatewayV2HTTPRequest {
	text := isText(r.Header.Get("Content-Type"), body)
	event := events.APIGatewayV2HTTPRequest{
		Version:               "2.0",
		RouteKey:              route.key(),
		RawPath:               r.URL.EscapedPath(),
		RawQueryString:        r.URL.RawQuery,
		Cookies:               cookies(r.Header),
		Headers:               eventHeaders(r),
		QueryStringParameters: joined(r.URL.Query()),
		PathParameters:        params,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey:     route.key(),
			AccountID:    "000000000000",
			Stage:        "$default",
			RequestID:    requestID,
			APIID:        "local",
			DomainName:   host(r),
			DomainPrefix: "localhost",
			Time:         now.UTC().Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch:    now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method:    r.Method,
				Path:      r.URL.EscapedPath(),
				Protocol:  r.Proto,
				SourceIP:  sourceIP(r),
				UserAgent: r.UserAgent(),
			},
		},
		Body:            string(body),
		IsBase64Encoded: !text,
	}
	if !text {
		event.Body = base64.StdEncoding.EncodeToString(body)
	}
	return event
}

// isText reports the bodies that the service passes as they are. Forms are not
// among them.
func isText(contentType string, body []byte) bool {
	if len(body) == 0 {
		return true
	}
	if !utf8.Valid(body) {
		return false
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch media {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
}

func cookies(h http.Header) []string {
	var list []string
	for _, line := range h.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				list = append(list, cookie)
			}
		}
	}
	return list
}

func eventHeaders(r *http.Request) map[string]string {
	headers := map[string]string{}
	for name, value := range joined(r.Header) {
		headers[strings.ToLower(name)] = value
	}
	delete(headers, "cookie")
	headers["host"] = r.Host
	headers["x-forwarded-for"] = sourceIP(r)
	headers["x-forwarded-proto"] = "http"
	headers["x-forwarded-port"] = port(r)
	return headers
}

func joined(values map[string][]string) map[string]string {
	out := make(map[string]string, len(values))
	for name, list := range values {
		out[name] = strings.Join(list, ",")
	}
	return out
}

func host(r *http.Request) string {
	if name, _, err := net.SplitHostPort(r.Host); err == nil {
		return name
	}
	return r.Host
}

func port(r *http.Request) string {
	if _, number, err := net.SplitHostPort(r.Host); err == nil {
		return number
	}
	return "80"
}

func sourceIP(r *http.Request) string {
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	return ip
}
