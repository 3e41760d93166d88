package gateway

import (
	"context"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestSubject(t *testing.T) {
	type authorizer = events.APIGatewayV2HTTPRequestContextAuthorizerDescription
	jwt := func(claims map[string]string) *authorizer {
		return &authorizer{JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: claims}}
	}
	for rule, c := range map[string]struct {
		authorizer *authorizer
		headers    map[string]string
		local      string
		want       string
	}{
		"a token's sub":                          {authorizer: jwt(map[string]string{"sub": "alice"}), want: "alice"},
		"a principal's unique id":                {authorizer: &authorizer{IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{UserID: "AROAX:bob", UserARN: "arn:x"}}, want: "AROAX:bob"},
		"without an authorizer nobody":           {},
		"without an authorizer the local one":    {local: "local-user", want: "local-user"},
		"a verified caller is not the local one": {authorizer: jwt(map[string]string{"sub": "alice"}), local: "local-user", want: "alice"},
		"a token without a sub is nobody's":      {authorizer: jwt(nil), local: "local-user"},
		"an authorizer of another kind":          {authorizer: &authorizer{Lambda: map[string]any{"sub": "eve"}}, local: "local-user"},
		"headers say nothing": {headers: map[string]string{
			"Authorization": "Bearer eve", "X-Amzn-Oidc-Identity": "eve", "X-User-Id": "eve",
		}},
	} {
		t.Run(rule, func(t *testing.T) {
			var got string
			var ok bool
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, ok = Subject(r.Context()) })
			event := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: "/", Headers: c.headers}
			event.RequestContext.HTTP.Method, event.RequestContext.Authorizer = "GET", c.authorizer
			if _, err := Adapt(WithLocalSubject(h, c.local), nil)(context.Background(), event); err != nil {
				t.Fatal(err)
			}
			if got != c.want || ok != (c.want != "") {
				t.Errorf("got %q, %v", got, ok)
			}
		})
	}
}
