package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/coldfuse/coldfuse/local/stack/httpapi"
)

// Region and Service of the signatures.
const (
	Region  = "us-east-1"
	Service = "execute-api"
)

// skew is the largest difference between a signature's time and now.
const skew = 5 * time.Minute

const (
	algorithm = "AWS4-HMAC-SHA256"
	stamp     = "20060102T150405Z"
)

// IAM admits requests that a known key signed with Signature Version 4 in the
// header Authorization, including the body and every x-amz- header. It rejects
// signatures in the query and of an unsigned body. It verifies a signature by
// signing the same headers again with Amazon's own signer.
type IAM struct {
	Key func(id string) (AccessKey, bool)
	Now func() time.Time // nil: time.Now
}

// Authorize returns the key's owner.
func (a IAM) Authorize(r *http.Request, body []byte) (*events.APIGatewayV2HTTPRequestContextAuthorizerDescription, *httpapi.Rejection) {
	key, err := a.verify(r, body)
	if err != nil {
		return nil, &httpapi.Rejection{Status: http.StatusForbidden, Reason: err.Error()}
	}
	return &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{
			AccessKey: key.ID,
			AccountID: account,
			CallerID:  key.UserID,
			UserARN:   key.UserARN,
			UserID:    key.UserID,
		},
	}, nil
}

func (a IAM) verify(r *http.Request, body []byte) (AccessKey, error) {
	keyID, scope, signed, err := parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return AccessKey{}, err
	}
	key, ok := a.Key(keyID)
	if !ok {
		return AccessKey{}, errors.New("the access key is unknown")
	}
	if r.Header.Get("X-Amz-Security-Token") != key.SessionToken {
		return AccessKey{}, errors.New("the session token is not the key's")
	}
	at, err := a.signingTime(r, scope)
	if err != nil {
		return AccessKey{}, err
	}
	sum := BodyHash(body)
	if declared := r.Header.Get("X-Amz-Content-Sha256"); declared != "" && declared != sum {
		return AccessKey{}, errors.New("X-Amz-Content-Sha256 is not the body's")
	}
	again, err := signedPart(r, signed)
	if err != nil {
		return AccessKey{}, err
	}
	credentials := aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret, SessionToken: key.SessionToken}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, again, sum, Service, Region, at); err != nil {
		return AccessKey{}, errors.New("the request cannot be signed")
	}
	if signatureOf(again) == "" || subtle.ConstantTimeCompare([]byte(signatureOf(again)), []byte(signatureOf(r))) != 1 {
		return AccessKey{}, errors.New("the signature does not match")
	}
	return key, nil
}

// signingTime returns the time in X-Amz-Date, if it is near now and of the scope's
// day.
func (a IAM) signingTime(r *http.Request, scope string) (time.Time, error) {
	now := time.Now()
	if a.Now != nil {
		now = a.Now()
	}
	at, err := time.Parse(stamp, r.Header.Get("X-Amz-Date"))
	switch {
	case err != nil:
		return at, errors.New("X-Amz-Date is missing or broken")
	case now.Sub(at).Abs() > skew:
		return at, errors.New("the signature's time is too far from now")
	case scope != at.Format("20060102")+"/"+Region+"/"+Service+"/aws4_request":
		return at, errors.New("the signature is for another day, region or service")
	}
	return at, nil
}

// parseAuthorization reads "AWS4-HMAC-SHA256 Credential=ID/SCOPE,
// SignedHeaders=a;b, Signature=HEX".
func parseAuthorization(header string) (keyID, scope string, signed []string, err error) {
	fields := map[string]string{}
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	keyID, scope, hasScope := strings.Cut(fields["Credential"], "/")
	mac, broken := hex.DecodeString(fields["Signature"])
	if !ok || !hasScope || broken != nil || len(mac) != sha256.Size {
		return "", "", nil, errors.New("the header Authorization carries no signature of version 4")
	}
	return keyID, scope, strings.Split(fields["SignedHeaders"], ";"), nil
}

func signatureOf(r *http.Request) string {
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	return signature
}

// signedPart returns a request with only the signed headers of r.
func signedPart(r *http.Request, signed []string) (*http.Request, error) {
	if !slices.Contains(signed, "host") {
		return nil, errors.New("the header host is not signed")
	}
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, errors.New("the query is broken")
	}
	again := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: http.Header{}}
	if slices.Contains(signed, "content-length") {
		again.ContentLength = r.ContentLength // which net/http keeps apart
	}
	for name, values := range r.Header {
		switch name = strings.ToLower(name); {
		case slices.Contains(signed, name):
			again.Header[http.CanonicalHeaderKey(name)] = values
		case strings.HasPrefix(name, "x-amz-"):
			return nil, errors.New("the header " + name + " is not signed")
		}
	}
	return again, nil
}

// BodyHash is the hash of a body as a signature of version 4 covers it.
func BodyHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
