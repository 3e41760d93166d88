package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/local/stack/httpapi"
)

// What a signature is for.
const (
	Region  = "us-east-1"
	Service = "execute-api"
)

// skew is how far a signature's time may be from now.
const skew = 5 * time.Minute

const (
	algorithm = "AWS4-HMAC-SHA256"
	stamp     = "20060102T150405Z"
)

// IAM admits requests that a known key signed by Signature Version 4 in the
// header Authorization, the body and every x-amz- header included. Signatures
// in the query, and of an unsigned body, are refused.
type IAM struct {
	Key func(id string) (AccessKey, bool)
	Now func() time.Time // nil: time.Now
}

// Authorize returns the key's owner.
func (a IAM) Authorize(r *http.Request, body []byte) (*events.APIGatewayV2HTTPRequestContextAuthorizerDescription, *httpapi.Refusal) {
	key, err := a.verify(r, body)
	if err != nil {
		return nil, &httpapi.Refusal{Status: http.StatusForbidden, Reason: err.Error()}
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
	s, err := parseSignature(r.Header.Get("Authorization"))
	if err != nil {
		return AccessKey{}, err
	}
	key, ok := a.Key(s.keyID)
	if !ok {
		return AccessKey{}, errors.New("the access key is unknown")
	}
	if r.Header.Get("X-Amz-Security-Token") != key.SessionToken {
		return AccessKey{}, errors.New("the session token is not the key's")
	}
	now := time.Now()
	if a.Now != nil {
		now = a.Now()
	}
	date := r.Header.Get("X-Amz-Date")
	signed, err := time.Parse(stamp, date)
	if err != nil {
		return AccessKey{}, errors.New("X-Amz-Date is missing or broken")
	}
	if now.Sub(signed).Abs() > skew {
		return AccessKey{}, errors.New("the signature's time is too far from now")
	}
	if s.scope != signed.Format("20060102")+"/"+Region+"/"+Service+"/aws4_request" {
		return AccessKey{}, errors.New("the signature is for another day, region or service")
	}
	canonical, err := canonicalRequest(r, body, s.headers)
	if err != nil {
		return AccessKey{}, err
	}
	toSign := strings.Join([]string{algorithm, date, s.scope, BodyHash([]byte(canonical))}, "\n")
	if !hmac.Equal(s.mac, mac(signingKey(key.Secret, s.scope), toSign)) {
		return AccessKey{}, errors.New("the signature does not match")
	}
	return key, nil
}

// signature is what the header Authorization carries.
type signature struct {
	keyID   string
	scope   string // day/region/service/aws4_request
	headers []string
	mac     []byte
}

func parseSignature(header string) (signature, error) {
	broken := errors.New("the header Authorization carries no signature of version 4")
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return signature{}, broken
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	keyID, scope, ok := strings.Cut(fields["Credential"], "/")
	mac, err := hex.DecodeString(fields["Signature"])
	if !ok || err != nil || len(mac) != sha256.Size {
		return signature{}, broken
	}
	return signature{keyID, scope, strings.Split(fields["SignedHeaders"], ";"), mac}, nil
}

// canonicalRequest is the text that was signed. Its path is escaped once more
// than the request's, as for every service but S3.
func canonicalRequest(r *http.Request, body []byte, signed []string) (string, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "", errors.New("the query is broken")
	}
	sum := BodyHash(body)
	if declared := r.Header.Get("X-Amz-Content-Sha256"); declared != "" && declared != sum {
		return "", errors.New("X-Amz-Content-Sha256 is not the body's")
	}
	headers, err := canonicalHeaders(r, signed)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{
		r.Method,
		escape(r.URL.EscapedPath(), unreserved+"/"),
		canonicalQuery(query),
		headers,
		strings.Join(signed, ";"),
		sum,
	}, "\n"), nil
}

func canonicalHeaders(r *http.Request, signed []string) (string, error) {
	if !slices.Contains(signed, "host") {
		return "", errors.New("the header host is not signed")
	}
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") && !slices.Contains(signed, name) {
			return "", errors.New("the header " + name + " is not signed")
		}
	}
	var b strings.Builder
	for _, name := range signed {
		values := slices.Clone(r.Header.Values(name))
		switch name { // which net/http keeps apart
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		for i, value := range values {
			values[i] = strings.Join(strings.Fields(value), " ")
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return b.String(), nil
}

// canonicalQuery sorts what url.Values.Encode does not: the escaped texts.
func canonicalQuery(query url.Values) string {
	var pairs [][2]string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, [2]string{escape(name, unreserved), escape(value, unreserved)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	texts := make([]string, len(pairs))
	for i, pair := range pairs {
		texts[i] = pair[0] + "=" + pair[1]
	}
	return strings.Join(texts, "&")
}

// unreserved are those of RFC 3986 that are neither letters nor digits.
const unreserved = "-._~"

// escape escapes all but letters, digits and what to keep.
func escape(text, keep string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(keep, c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

// signingKey derives the key from the secret by each part of the scope.
func signingKey(secret, scope string) []byte {
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// BodyHash is the hash of a body as a signature of version 4 covers it.
func BodyHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
