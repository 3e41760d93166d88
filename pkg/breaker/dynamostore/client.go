package dynamostore

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// NewClient makes a client as a Store wants it, from the environment variables
// that Lambda sets: AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
// AWS_SESSION_TOKEN, which do not change in the life of an execution
// environment, and AWS_ENDPOINT_URL_DYNAMODB for another endpoint than AWS's.
// It makes two attempts at the most, at once, since the breaker has a back-off
// of its own. transport may be nil.
//
// The SDK's own LoadDefaultConfig knows many more sources of credentials and
// adds 2 MB to a function for them.
func NewClient(getenv func(string) string, transport http.RoundTripper) *dynamodb.Client {
	if transport == nil {
		transport = newTransport()
	}
	o := dynamodb.Options{
		Region:      getenv("AWS_REGION"),
		Credentials: credentials(getenv),
		HTTPClient:  &http.Client{Transport: transport},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 2
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			o.RateLimiter = ratelimit.None
		}),
	}
	if endpoint := getenv("AWS_ENDPOINT_URL_DYNAMODB"); endpoint != "" {
		o.BaseEndpoint = &endpoint
	}
	return dynamodb.New(o)
}

func credentials(getenv func(string) string) aws.CredentialsProvider {
	c := aws.Credentials{
		AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
}

// newTransport keeps a few connections for a minute by the wall clock, which
// goes on while the environment is frozen. A younger one that died meanwhile
// fails the first attempt, and the second dials.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: time.Second,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     60 * time.Second,
	}
}
