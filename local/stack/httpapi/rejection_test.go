package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// authorizer says the same of everyone.
type authorizer struct {
	caller    *events.APIGatewayV2HTTPRequestContextAuthorizerDescription
	rejection *Rejection
	body      string
}

func (a *authorizer) Authorize(_ *http.Request, body []byte) (*events.APIGatewayV2HTTPRequestContextAuthorizerDescription, *Rejection) {
	a.body = string(body)
	return a.caller, a.rejection
}

func TestWhoIsRefusedReachesNothing(t *testing.T) {
	cases := []struct {
		rule          string
		rejection     Rejection
		wantBody      string
		wantChallenge string
	}{
		{"401 has a challenge", Rejection{Status: 401, Challenge: "Bearer"}, `{"message":"Unauthorized"}`, "Bearer"},
		{"403 does not say why", Rejection{Status: 403, Reason: "secret"}, `{"message":"Forbidden"}`, ""},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			target := &function{answer: `{"statusCode":200}`}
			api := newAPI(t, Config{Routes: []Route{{Path: "$default", Target: target, Authorizer: &authorizer{rejection: &c.rejection}}}})
			got := do(api, httptest.NewRequest("GET", "/", nil))
			if text := body(t, got); got.StatusCode != c.rejection.Status || text != c.wantBody {
				t.Errorf("got %d %s, want %d %s", got.StatusCode, text, c.rejection.Status, c.wantBody)
			}
			if challenge := got.Header.Get("WWW-Authenticate"); challenge != c.wantChallenge {
				t.Errorf("challenge %q, want %q", challenge, c.wantChallenge)
			}
			if target.calls != 0 {
				t.Error("the function was called")
			}
		})
	}
}

func TestTheCallerIsWhomTheAuthorizerSays(t *testing.T) {
	alice := &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": "alice"}},
	}
	const spoofed = `{"requestContext":{"authorizer":{"jwt":{"claims":{"sub":"bob"}}}}}`
	spoof := func() *http.Request {
		r := httptest.NewRequest("POST", "/?requestContext.authorizer.jwt.claims.sub=bob", strings.NewReader(spoofed))
		r.Header.Set("Content-Type", "application/json")
		for _, name := range []string{"X-Amzn-Request-Context", "X-Amzn-Oidc-Identity", "X-Amzn-Authorizer", "X-User-Id", "Authorizer"} {
			r.Header.Set(name, spoofed)
		}
		return r
	}
	target := &function{answer: `{"statusCode":200}`}
	checks := &authorizer{caller: alice}
	api := newAPI(t, Config{Routes: []Route{{Path: "$default", Target: target, Authorizer: checks}}})
	do(api, spoof())
	if got := target.event.RequestContext.Authorizer; got == nil || got.JWT.Claims["sub"] != "alice" || got.IAM != nil || got.Lambda != nil {
		t.Errorf("caller %+v, want alice", got)
	}
	if checks.body != spoofed || target.event.Body != spoofed {
		t.Error("authorizer and function should both see the body")
	}
	open := newAPI(t, Config{Routes: []Route{{Path: "$default", Target: target}}})
	do(open, spoof())
	if got := target.event.RequestContext.Authorizer; got != nil {
		t.Errorf("caller %+v without an authorizer", got)
	}
}
