package config

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	// secretTimeout bounds one read of a secret, both its attempts together.
	secretTimeout = 3 * time.Second
	// maxSecretAnswer is above Secrets Manager's 65,536 bytes of a secret, as
	// JSON escapes them.
	maxSecretAnswer = 1 << 19
)

// secretsManager makes the one call of Secrets Manager that there is a use for.
// The SDK's package for the service makes it too, at the cost of a twentieth of
// a connector's start: it compiles the patterns of all regions as the process
// begins. Its signer, which the store's client needs anyway, is used.
type secretsManager struct {
	url    string
	region string
	own    aws.Credentials
	http   *http.Client
}

func newSecretsManager(getenv func(string) string) *secretsManager {
	region := getenv("AWS_REGION")
	domain := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain += ".cn"
	}
	return &secretsManager{
		url:    cmp.Or(getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"), "https://secretsmanager."+region+"."+domain),
		region: region,
		own: aws.Credentials{
			AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN"),
		},
		http: &http.Client{
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
				TLSHandshakeTimeout: time.Second,
				DisableKeepAlives:   true, // the next read is an hour or a refusal away
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// text reads a secret. What passes is tried once more. Errors name the secret.
func (s *secretsManager) text(ctx context.Context, id string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	text, err := s.get(ctx, id)
	if passes(err) && ctx.Err() == nil {
		text, err = s.get(ctx, id)
	}
	fault, answered := errors.AsType[*secretsFault](err)
	switch {
	case answered && fault.kind == "ResourceNotFoundException":
		return "", fmt.Errorf("secret %s is missing", id)
	case err != nil:
		return "", fmt.Errorf("secret %s cannot be read: %w", id, err)
	}
	return text, nil
}

func (s *secretsManager) get(ctx context.Context, id string) (string, error) {
	body, err := json.Marshal(map[string]string{"SecretId": id})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	hash := sha256.Sum256(body)
	if err := signer.NewSigner().SignHTTP(ctx, s.own, req, hex.EncodeToString(hash[:]), "secretsmanager", s.region, time.Now()); err != nil {
		return "", err
	}
	res, err := s.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxSecretAnswer))
	if err != nil {
		return "", err
	}
	var out struct {
		Kind string `json:"__type"`
		Text string `json:"SecretString"`
	}
	decoded := json.Unmarshal(answer, &out) == nil
	switch {
	case res.StatusCode != http.StatusOK:
		return "", newSecretsFault(res.StatusCode, out.Kind)
	case !decoded:
		return "", errors.New("the answer is no JSON")
	case out.Text == "":
		return "", errors.New("it is not text")
	}
	return out.Text, nil
}

// secretsFault is an answer of Secrets Manager that is no secret.
type secretsFault struct {
	status int
	kind   string // such as AccessDeniedException
}

// newSecretsFault keeps of a kind, which may be a shape's whole id such as
// com.amazonaws.secretsmanager#AccessDeniedException, its name.
func newSecretsFault(status int, kind string) *secretsFault {
	kind = kind[strings.LastIndexByte(kind, '#')+1:]
	if len(kind) > 64 || strings.ContainsFunc(kind, func(r rune) bool { return r|0x20 < 'a' || r|0x20 > 'z' }) {
		kind = ""
	}
	return &secretsFault{status, kind}
}

func (f *secretsFault) Error() string {
	return fmt.Sprintf("answered %d %s", f.status, cmp.Or(f.kind, http.StatusText(f.status)))
}

// passes tells whether another attempt may help.
func passes(err error) bool {
	if f, ok := errors.AsType[*secretsFault](err); ok {
		return f.status >= 500 || f.status == http.StatusTooManyRequests || f.kind == "ThrottlingException"
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
