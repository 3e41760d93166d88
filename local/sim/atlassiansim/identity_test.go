package atlassiansim

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/simtest"
)

func TestIdentity(t *testing.T) {
	const gateway = "/ex/toy/" + DefaultCloudID
	basic := func(email, token string) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth(email, token)
		return r.Header.Get("Authorization")
	}
	cases := []struct {
		rule, prefix, authorization string
		want                        Identity
	}{
		{"the right pair is accepted", "", basic(DefaultEmail, DefaultToken), Accepted},
		{"an address has no case", "", basic("BOT@example.com", DefaultToken), Accepted},
		{"a wrong token is refused", "", basic(DefaultEmail, "wrong"), Refused},
		{"another's address is refused", "", basic("x@example.com", DefaultToken), Refused},
		{"no credentials are anonymous", "", "", Anonymous},
		{"a pair without a user is anonymous", "", basic("", DefaultToken), Anonymous},
		{"an unknown scheme is anonymous", "", "token " + DefaultToken, Anonymous},
		{"a bearer is barred from the site", "", "Bearer " + DefaultToken, Barred},
		{"the gateway takes the pair", gateway, basic(DefaultEmail, DefaultToken), Accepted},
		{"the gateway takes the bearer", gateway, "Bearer " + DefaultToken, Accepted},
		{"a wrong bearer is barred", gateway, "Bearer wrong", Barred},
		{"an empty bearer is barred", gateway, "Bearer ", Barred},
		{"the gateway bars the anonymous", gateway, "", Barred},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			toy := newStill()
			r := httptest.NewRequest("GET", c.prefix+"/rest/thing/1", nil)
			r.Header.Set("Authorization", c.authorization)
			w := simtest.Serve(toy, r)
			if got := toy.Log()[0].Identity; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if (w.Code == 403) != (c.want == Barred) {
				t.Errorf("status %d", w.Code)
			}
			failed := w.Header().Get("X-Seraph-LoginReason") == "AUTHENTICATED_FAILED"
			if failed != (c.want == Refused) {
				t.Errorf("X-Seraph-LoginReason %q", w.Header().Get("X-Seraph-LoginReason"))
			}
		})
	}
}

func TestTenantInfoIsOpen(t *testing.T) {
	w := simtest.Serve(newStill(), httptest.NewRequest("GET", "/_edge/tenant_info", nil))
	if got := w.Body.String(); w.Code != 200 || got != `{"cloudId":"`+DefaultCloudID+`"}`+"\n" {
		t.Errorf("%d %s", w.Code, got)
	}
}

const exchange = `{"grant_type":"client_credentials","client_id":"local-app","client_secret":"local-app-secret"}`

func TestTokenRefusals(t *testing.T) {
	cases := []struct {
		rule, body string
		fault      Fault
		status     int
		want       string // a part of the body
	}{
		{"a wrong secret", `{"grant_type":"client_credentials","client_id":"local-app","client_secret":"x"}`, Fault{}, 401, `{"error":"access_denied"`},
		{"another's id", `{"grant_type":"client_credentials","client_id":"x","client_secret":"local-app-secret"}`, Fault{}, 401, `{"error":"access_denied"`},
		{"another grant", `{"grant_type":"password"}`, Fault{}, 403, `{"error":"unsupported_grant_type"`},
		{"no JSON", `grant_type=client_credentials`, Fault{}, 400, `{"error":"invalid_request"`},
		{"client credentials that have expired", exchange, Fault{Kind: ExpiredToken, Operation: GetToken}, 401, `{"error":"access_denied"`},
		{"a token endpoint that is down", exchange, Fault{Kind: Status, Status: 503, Operation: GetToken}, 503, "Simulated"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			toy := newStill()
			if c.fault.Kind != "" {
				if err := toy.Set(c.fault); err != nil {
					t.Fatal(err)
				}
			}
			r := request("POST", "/oauth/token", c.body)
			r.Header.Del("Authorization")
			if w := simtest.Serve(toy, r); w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.want)
			}
		})
	}
	r := request("POST", "/oauth/token", exchange)
	r.Header.Set("Content-Type", "text/plain")
	if w := simtest.Serve(newStill(), r); w.Code != 415 {
		t.Errorf("a body that is said to be text: %d, want 415", w.Code)
	}
}

// accessToken exchanges the client credentials.
func accessToken(t *testing.T, toy *toy) string {
	t.Helper()
	r := request("POST", "/oauth/token", exchange)
	r.Header.Del("Authorization")
	got := simtest.Read[map[string]any](t, simtest.Serve(toy, r))
	if got["expires_in"] != 3600.0 || got["token_type"] != "Bearer" || got["scope"] != "read:toy" {
		t.Fatalf("got %v", got)
	}
	return got["access_token"].(string)
}

func TestAccessTokens(t *testing.T) {
	cases := []struct {
		rule   string
		ends   func(*toy, *simtest.Clock)
		prefix string
		status int
	}{
		{"are good at the gateway", func(*toy, *simtest.Clock) {}, "/ex/toy/" + DefaultCloudID, 200},
		{"are not good at the site", func(*toy, *simtest.Clock) {}, "", 403},
		{"live almost an hour", func(_ *toy, c *simtest.Clock) { c.Advance(time.Hour - 1) }, "/ex/toy/" + DefaultCloudID, 200},
		{"expire", func(_ *toy, c *simtest.Clock) { c.Advance(time.Hour) }, "/ex/toy/" + DefaultCloudID, 403},
		{"can be ended", func(toy *toy, _ *simtest.Clock) { send(toy, "DELETE", "/_sim/tokens", "") }, "/ex/toy/" + DefaultCloudID, 403},
		{"end with a reset", func(toy *toy, _ *simtest.Clock) { toy.Reset() }, "/ex/toy/" + DefaultCloudID, 403},
		{"outlive the client's secret", func(toy *toy, _ *simtest.Clock) { toy.RotateApp(App{"local-app", "new"}) }, "/ex/toy/" + DefaultCloudID, 200},
		{"are expired by a fault", func(toy *toy, _ *simtest.Clock) { toy.Add(Fault{Kind: ExpiredToken}) }, "/ex/toy/" + DefaultCloudID, 403},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			clock := simtest.NewClock()
			toy := newToy(clock.Now)
			first, second := accessToken(t, toy), accessToken(t, toy)
			if first == second {
				t.Error("the same token twice")
			}
			c.ends(toy, clock)
			for _, token := range []string{first, second} {
				r := httptest.NewRequest("GET", c.prefix+"/rest/thing/1", nil)
				r.Header.Set("Authorization", "Bearer "+token)
				if w := simtest.Serve(toy, r); w.Code != c.status {
					t.Errorf("%d, want %d", w.Code, c.status)
				}
			}
		})
	}
}

func TestRotatedCredentialsReplaceTheOldOnes(t *testing.T) {
	toy := newStill()
	toy.Rotate(Credentials{DefaultEmail, "new"})
	send(toy, "GET", "/rest/thing/1", "")
	r := request("GET", "/rest/thing/1", "")
	r.SetBasicAuth(DefaultEmail, "new")
	simtest.Serve(toy, r)
	if log := toy.Log(); log[0].Identity != Refused || log[1].Identity != Accepted {
		t.Errorf("old %s, new %s", log[0].Identity, log[1].Identity)
	}
}
