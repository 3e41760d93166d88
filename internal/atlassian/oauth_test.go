package atlassian

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/pkg/breaker"
)

func TestParseApplication(t *testing.T) {
	for rule, c := range map[string]struct {
		secret string
		want   Application
		fails  bool
	}{
		"an id and a secret":             {`{"client_id":"i","client_secret":"s3cret"}`, Application{"i", "s3cret"}, false},
		"pasted line ends are dropped":   {`{"client_id":" i\n","client_secret":"s3cret\r\n"}`, Application{"i", "s3cret"}, false},
		"an id is needed":                {`{"client_secret":"s3cret"}`, Application{}, true},
		"a secret is needed":             {`{"client_id":"s3"}`, Application{}, true},
		"an API token is no application": {`{"email":"me@example.com","token":"s3cret"}`, Application{}, true},
		"text that is no JSON":           {`s3cret`, Application{}, true},
	} {
		t.Run(rule, func(t *testing.T) {
			got, err := ParseApplication(c.secret)
			if got != c.want || (err != nil) != c.fails || err != nil && strings.Contains(err.Error(), "s3") {
				t.Errorf("got %v, %v", got == c.want, err)
			}
		})
	}
}

func newTokenEndpoint(t *testing.T, handler http.HandlerFunc) *TokenEndpoint {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return tokensOf(t, server.URL)
}

func tokensOf(t *testing.T, server string) *TokenEndpoint {
	t.Helper()
	u, err := url.Parse(server + "/oauth/token")
	if err != nil {
		t.Fatal(err)
	}
	return NewTokenEndpoint(u)
}

// useTokens has the client send tokens that the site itself issues.
func (s *site) useTokens(t *testing.T) {
	t.Helper()
	application := func(context.Context) (Application, error) { return Application{"i", "s"}, nil }
	s.client.keys = NewKeyring(tokensOf(t, s.URL).Tokens(application))
	if err := s.client.keys.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTheRequestForAToken(t *testing.T) {
	endpoint := newTokenEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/oauth/token" || r.Header.Get("Content-Type") != "application/json" ||
			len(body) != 3 || body["grant_type"] != "client_credentials" || body["client_id"] != "i" || body["client_secret"] != "s" {
			t.Errorf("%s %s %v", r.Method, r.URL, body)
		}
		answering(200, nil, `{"access_token":"t","expires_in":3600,"token_type":"Bearer","scope":"read:jira-work"}`)(w, r)
	})
	before := time.Now()
	c, err := endpoint.Exchange(t.Context(), Application{"i", "s"})
	if err != nil || c.Token != "t" || c.Email != "" {
		t.Fatalf("got %v", err)
	}
	if left := c.Until.Sub(before); left < 59*time.Minute || left > 60*time.Minute {
		t.Errorf("good for %s", left)
	}
}

func TestTokenExpiry(t *testing.T) {
	for rule, c := range map[string]struct {
		expiresIn string
		want      time.Duration
	}{
		"until a minute before its end":           {"3600", 59 * time.Minute},
		"half of a short life":                    {"90", 45 * time.Second},
		"as an hour where the answer is silent":   {"null", 59 * time.Minute},
		"as an hour where the answer is nonsense": {"9999999999999", 59 * time.Minute},
		"as an hour where it has expired":         {"-5", 59 * time.Minute},
	} {
		t.Run(rule, func(t *testing.T) {
			endpoint := newTokenEndpoint(t, answering(200, nil, `{"access_token":"t","expires_in":`+c.expiresIn+`}`))
			now := time.UnixMilli(1_800_000_000_000)
			endpoint.now = func() time.Time { return now }
			got, err := endpoint.Exchange(t.Context(), Application{"i", "s"})
			if err != nil || got.Until.Sub(now) != c.want {
				t.Errorf("%s, %v", got.Until.Sub(now), err)
			}
		})
	}
}

func TestFailedExchanges(t *testing.T) {
	cut := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	const denied = `{"error":"access_denied","error_description":"s3cret"}`
	for rule, c := range map[string]struct {
		handler   http.HandlerFunc
		reason    string
		retryable bool
		counts    bool // as a failure of the service
	}{
		"a 401 is an authentication error":             {answering(401, nil, denied), "unauthorized", false, false},
		"so is a 403":                                  {answering(403, nil, denied), "unauthorized", false, false},
		"so is a 400":                                  {answering(400, nil, denied), "unauthorized", false, false},
		"so is a 404, which no client sees":            {answering(404, nil, ""), "unauthorized", false, false},
		"a 429 passes":                                 {answering(429, map[string]string{"Retry-After": "3"}, ""), "rate_limited", true, true},
		"a 503 passes":                                 {answering(503, nil, "<html>"), "http_503", true, true},
		"a connection that is cut passes":              {cut, "connection", true, true},
		"a redirect is not followed":                   {answering(307, map[string]string{"Location": "http://127.0.0.1:1/"}, ""), "bad_response", false, true},
		"HTML with a 200 is no token":                  {answering(200, nil, "<html>"), "bad_response", false, true},
		"an empty token is invalid":                    {answering(200, nil, `{"access_token":""}`), "bad_response", false, true},
		"what no header can hold is invalid":           {answering(200, nil, `{"access_token":"a\nb"}`), "bad_response", false, true},
		"an answer of any size is not read to its end": {answering(200, nil, `{"access_token":"`+strings.Repeat("x", maxTokenAnswer)+`"}`), "bad_response", false, true},
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := newTokenEndpoint(t, c.handler).Exchange(t.Context(), Application{"i", "s3cret"})
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Reason != c.reason || e.Retryable() != c.retryable || e.Ambiguous {
				t.Fatalf("got %+v", e)
			}
			if got := Classify(false)(err).Verdict == breaker.Failed; got != c.counts {
				t.Errorf("counts as a failure: %v", got)
			}
			for ; err != nil; err = errors.Unwrap(err) {
				if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

func TestAnExchangeEndsWithItsContext(t *testing.T) {
	endpoint := newTokenEndpoint(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := endpoint.Exchange(ctx, Application{"i", "s"})
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != "timeout" || e.Ambiguous {
		t.Errorf("got %v", err)
	}
}

func TestTokensFollowTheSecret(t *testing.T) {
	endpoint := newTokenEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Secret string `json:"client_secret"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		answering(200, nil, `{"access_token":"of-`+body.Secret+`"}`)(w, r)
	})
	app, away := Application{"i", "old"}, error(nil)
	read := endpoint.Tokens(func(context.Context) (Application, error) { return app, away })
	for _, step := range []struct {
		rule   string
		secret Secret
		away   error
		want   Secret
	}{
		{"the first", "old", nil, "of-old"},
		{"a rotated secret", "new", nil, "of-new"},
		{"a secret that cannot be read is taken for unchanged", "", errors.New("away"), "of-new"},
	} {
		app.Secret, away = step.secret, step.away
		if got, err := read(t.Context()); err != nil || got.Token != step.want {
			t.Errorf("%s: %s, %v", step.rule, string(got.Token), err)
		}
	}
	first := endpoint.Tokens(func(context.Context) (Application, error) { return Application{}, errors.New("missing") })
	if _, err := first(t.Context()); err == nil {
		t.Error("without a secret there is no token")
	}
}

func TestAnExpiredTokenIsRenewedWithinTheCall(t *testing.T) {
	for rule, status := range map[string]int{"the gateway says 401": 401, "the gateway says 403": 403} {
		t.Run(rule, func(t *testing.T) {
			issued := 0
			s := newSite(t, ClientCredentials, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/oauth/token":
					issued++
					answering(200, nil, `{"access_token":"`+strings.Repeat("x", issued)+`","expires_in":3600}`)(w, r)
				case r.Header.Get("Authorization") == "Bearer xx":
					answering(200, nil, `{}`)(w, r)
				default:
					answering(status, nil, ``)(w, r)
				}
			})
			s.useTokens(t)
			var v any
			for range 3 {
				if err := s.client.Do(t.Context(), get, &v); err != nil {
					t.Fatal(err)
				}
			}
			if issued != 2 {
				t.Errorf("%d tokens", issued)
			}
		})
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	for rule, c := range map[string]struct {
		status   int
		rejected bool
	}{
		"a rejected application is an authentication error": {401, true},
		"a passing failure is the service's":                {503, false},
	} {
		t.Run(rule, func(t *testing.T) {
			sent := 0
			s := newSite(t, ClientCredentials, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/oauth/token" {
					sent++
				}
				answering(c.status, nil, "")(w, r)
			})
			s.useTokens(t)
			var v any
			r := Request{Method: http.MethodPost, Path: "/x", Body: 1, Changes: true}
			err := s.client.Do(t.Context(), r, &v)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Ambiguous || IsRejected(err) != c.rejected || sent != 0 {
				t.Errorf("got %v, %d sent", err, sent)
			}
			if got := s.rejections.Load() > 0; got != c.rejected {
				t.Errorf("reported: %v", got)
			}
		})
	}
}
