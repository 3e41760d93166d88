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

// NewClient returns a client for a Store. It reads the environment variables that
// Lambda sets, which do not change during the life of an execution environment:
// AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. It
// also reads AWS_ENDPOINT_URL_DYNAMODB, for an endpoint other than AWS's. The
// client makes at most two attempts, without a pause, because the breaker has its
// own back-off. transport may be nil.
//
// The SDK's LoadDefaultConfig supports many more sources of credentials, which
// add 2 MB to a function.
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

// newTransport keeps a few idle connections for a minute by the wall clock, which
// runs on while the environment is frozen. If a younger connection has died, the
// first attempt fails and the second dials.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: time.Second,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     60 * time.Second,
	}
}
