package atlassian

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Application is what a service account's OAuth 2.0 credential consists of.
type Application struct {
	ID     string
	Secret Secret
}

// ParseApplication reads the secret {"client_id":"…","client_secret":"…"}. The
// error shows nothing of it.
func ParseApplication(secret string) (Application, error) {
	var a struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if json.Unmarshal([]byte(secret), &a) != nil {
		return Application{}, errors.New(`want JSON such as {"client_id":"…","client_secret":"…"}`)
	}
	a.ID, a.Secret = strings.TrimSpace(a.ID), strings.TrimSpace(a.Secret)
	if a.ID == "" || a.Secret == "" {
		return Application{}, errors.New(`"client_id" or "client_secret" is missing`)
	}
	return Application{a.ID, Secret(a.Secret)}, nil
}

const (
	// tokenTimeout leaves a try of the default 4 s time for the request that the
	// token is for.
	tokenTimeout = 2500 * time.Millisecond
	// tokenLife is how long Atlassian's access tokens are valid if it does not say
	// ("Create OAuth 2.0 credential for service accounts": 60 minutes).
	tokenLife = time.Hour
	// tokenReserve is how long before its end a token is no longer used, so that
	// no request in flight outlives it.
	tokenReserve = time.Minute
	// maxTokenAnswer is more than any answer of the token endpoint.
	maxTokenAnswer = 64 << 10
)

// TokenEndpoint issues access tokens for client credentials (RFC 6749, section
// 4.4). It is safe for concurrent use.
type TokenEndpoint struct {
	url  string
	http *http.Client
	now  func() time.Time
}

// NewTokenEndpoint returns a TokenEndpoint that follows no redirects.
func NewTokenEndpoint(u *url.URL) *TokenEndpoint {
	transport := newTransport()
	transport.DisableKeepAlives = true // one request an hour
	client := newHTTPClient(transport)
	client.Timeout = tokenTimeout
	return &TokenEndpoint{url: u.String(), http: client, now: time.Now}
}

// Exchange requests a token. Errors are *Error, with the reason unauthorized if
// the application was rejected.
func (t *TokenEndpoint) Exchange(ctx context.Context, app Application) (Credentials, error) {
	body, err := json.Marshal(map[string]string{
		"grant_type": "client_credentials", "client_id": app.ID, "client_secret": string(app.Secret),
	})
	if err != nil {
		return Credentials{}, fromNetwork(err, false, false)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return Credentials{}, fromNetwork(err, false, false)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	res, err := t.http.Do(req)
	if err != nil {
		return Credentials{}, fromNetwork(err, false, false)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxTokenAnswer))
	switch {
	case res.StatusCode != http.StatusOK:
		return Credentials{}, t.failure(res)
	case err != nil:
		return Credentials{}, fromNetwork(err, false, false)
	}
	return t.token(res, answer)
}

// failure returns the error of an answer without a token. The request holds only
// the application, so an error in it is a rejection of the application.
func (t *TokenEndpoint) failure(res *http.Response) *Error {
	e := fromAnswer(res, nil, false, t.now())
	if e.callersFault() {
		e.Reason = reasonUnauthorized
	}
	return e
}

func (t *TokenEndpoint) token(res *http.Response, answer []byte) (Credentials, error) {
	var a struct {
		Token     string `json:"access_token"`
		ExpiresIn int64  `json:"expires_in"` // seconds
	}
	if json.Unmarshal(answer, &a) != nil || !fitsHeader(a.Token) {
		return Credentials{}, &Error{Reason: reasonBadResponse, Status: res.StatusCode, RequestID: requestID(res)}
	}
	life := tokenLife
	if a.ExpiresIn > 0 && a.ExpiresIn < int64(24*tokenLife/time.Second) {
		life = time.Duration(a.ExpiresIn) * time.Second
	}
	// By the wall clock: the monotonic one may stand still while the environment
	// is frozen.
	until := t.now().Round(0).Add(max(life-tokenReserve, life/2))
	return Credentials{Token: Secret(a.Token), Until: until}, nil
}

// Tokens returns a function that requests an access token for the application in
// secret. It reads secret for each token, since the application may have been
// rotated, and uses the last one if that fails. Calls must not overlap.
func (t *TokenEndpoint) Tokens(secret func(context.Context) (Application, error)) func(context.Context) (Credentials, error) {
	var known Application
	return func(ctx context.Context) (Credentials, error) {
		app, err := secret(ctx)
		if err != nil && known == (Application{}) {
			return Credentials{}, err
		}
		if err == nil {
			known = app
		}
		return t.Exchange(ctx, known)
	}
}
