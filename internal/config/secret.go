package config

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/coldfuse/coldfuse/internal/atlassian"
)

// tokenURL is where Atlassian issues access tokens for client credentials.
const tokenURL = "https://auth.atlassian.com/oauth/token"

// Credentials returns a function that reads an account's credentials from Secrets
// Manager: {"email":"…","token":"…"}, or {"client_id":"…","client_secret":"…"} and
// the access token that Atlassian issues for it. Its calls must not overlap. Its
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

// MongoURI returns a function that reads the secret {"uri":"mongodb+srv://…"}, on
// the same terms as Credentials.
func MongoURI(getenv func(string) string, id string) func(context.Context) (string, error) {
	return secret(getenv, id, func(text string) (string, error) {
		var s struct{ URI string }
		if json.Unmarshal([]byte(text), &s) != nil || !strings.HasPrefix(s.URI, "mongodb://") && !strings.HasPrefix(s.URI, "mongodb+srv://") {
			return "", errors.New(`want JSON such as {"uri":"mongodb+srv://…"}`)
		}
		return s.URI, nil
	})
}

// secretTimeout bounds one read of a secret, its retries included.
const secretTimeout = 3 * time.Second

// secret returns a function that reads a secret's text and parses it. The errors
// of parse must show nothing of the text.
func secret[T any](getenv func(string) string, id string, parse func(text string) (T, error)) func(context.Context) (T, error) {
	client := secretsClient(getenv)
	return func(ctx context.Context) (value T, err error) {
		ctx, cancel := context.WithTimeout(ctx, secretTimeout)
		defer cancel()
		out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
		var missing *types.ResourceNotFoundException
		switch {
		case errors.As(err, &missing):
			return value, fmt.Errorf("secret %s is missing", id)
		case err != nil:
			return value, fmt.Errorf("secret %s cannot be read: %w", id, err)
		case out.SecretString == nil:
			return value, fmt.Errorf("secret %s is not text", id)
		}
		if value, err = parse(*out.SecretString); err != nil {
			return value, fmt.Errorf("secret %s: %w", id, err)
		}
		return value, nil
	}
}

func secretsClient(getenv func(string) string) *secretsmanager.Client {
	own := aws.Credentials{
		AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: getenv("AWS_SESSION_TOKEN"), Source: "environment",
	}
	o := secretsmanager.Options{
		Region:      getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return own, nil }),
		HTTPClient: &http.Client{Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
			TLSHandshakeTimeout: time.Second,
			DisableKeepAlives:   true, // the next read is an hour or a rejection away
		}},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 2 }),
	}
	if endpoint := getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"); endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return secretsmanager.New(o)
}
