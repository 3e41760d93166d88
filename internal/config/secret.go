package config

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/coldfuse/coldfuse/internal/atlassian"
)

// tokenURL is where Atlassian gives access tokens for client credentials.
const tokenURL = "https://auth.atlassian.com/oauth/token"

// Credentials gives a reader of an account's credentials from Secrets Manager:
// {"email":"…","token":"…"}, or {"client_id":"…","client_secret":"…"} and the
// access token that Atlassian gives for it. Its calls must not overlap. Its
// errors name the secret and show nothing of it. Region, the function's own
// credentials and, for local use, AWS_ENDPOINT_URL_SECRETS_MANAGER and
// ATLASSIAN_TOKEN_URL come from the environment.
func Credentials(getenv func(string) string, id string, auth atlassian.Auth) func(context.Context) (atlassian.Credentials, error) {
	if auth != atlassian.ClientCredentials {
		return secret(getenv, id, func(text string) (atlassian.Credentials, error) { return atlassian.ParseCredentials(text, auth) })
	}
	r := &reader{getenv: getenv}
	endpoint := r.origin("ATLASSIAN_TOKEN_URL", cmp.Or(getenv("ATLASSIAN_TOKEN_URL"), tokenURL), "")
	if err := r.err(); err != nil {
		return func(context.Context) (atlassian.Credentials, error) { return atlassian.Credentials{}, err }
	}
	return atlassian.NewTokenEndpoint(endpoint).Tokens(secret(getenv, id, atlassian.ParseApplication))
}

// MongoURI gives a reader of the secret {"uri":"mongodb+srv://…"}, on the terms
// of Credentials.
func MongoURI(getenv func(string) string, id string) func(context.Context) (string, error) {
	return secret(getenv, id, func(text string) (string, error) {
		var s struct{ URI string }
		if json.Unmarshal([]byte(text), &s) != nil || !strings.HasPrefix(s.URI, "mongodb://") && !strings.HasPrefix(s.URI, "mongodb+srv://") {
			return "", errors.New(`want JSON such as {"uri":"mongodb+srv://…"}`)
		}
		return s.URI, nil
	})
}

// secret gives a reader of a secret's text, which parse reads; parse's errors
// must show nothing of it.
func secret[T any](getenv func(string) string, id string, parse func(text string) (T, error)) func(context.Context) (T, error) {
	manager := newSecretsManager(getenv)
	return func(ctx context.Context) (value T, err error) {
		text, err := manager.text(ctx, id)
		if err != nil {
			return value, err
		}
		if value, err = parse(text); err != nil {
			return value, fmt.Errorf("secret %s: %w", id, err)
		}
		return value, nil
	}
}

// WithSecret adds to a configuration's error that its secret cannot be read
// either, where enough of it is known to try: a deployment is then mended in one
// go.
func (c Connector) WithSecret(ctx context.Context, getenv func(string) string, err error) error {
	if c.SecretID == "" || getenv("AWS_REGION") == "" {
		return err
	}
	_, unread := Credentials(getenv, c.SecretID, c.Auth)(ctx)
	if _, atlassians := errors.AsType[*atlassian.Error](unread); unread != nil && !atlassians {
		return fmt.Errorf("%w; %w", err, unread)
	}
	return err
}
