package apicheck

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// CheckEvent is Check for what a function makes of an event of payload format
// 2.0, without an HTTP API between them.
func (c *Checker) CheckEvent(event events.APIGatewayV2HTTPRequest, response events.APIGatewayV2HTTPResponse) error {
	sent, err1 := bodyOf(event.Body, event.IsBase64Encoded)
	answered, err2 := bodyOf(response.Body, response.IsBase64Encoded)
	r, err3 := http.NewRequest(event.RequestContext.HTTP.Method, event.RawPath+"?"+event.RawQueryString, strings.NewReader(sent))
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return fmt.Errorf("%s: %w", event.RouteKey, err)
		}
	}
	a := Answer{Status: response.StatusCode, Header: http.Header{}, Body: []byte(answered)}
	for name, value := range event.Headers {
		r.Header.Set(name, value)
	}
	for name, value := range response.Headers {
		a.Header.Set(name, value)
	}
	return c.Check(r, a)
}

func bodyOf(text string, encoded bool) (string, error) {
	if !encoded {
		return text, nil
	}
	body, err := base64.StdEncoding.DecodeString(text)
	return string(body), err
}
