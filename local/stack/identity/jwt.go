package identity

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/coldfuse/coldfuse/local/stack/httpapi"
)

// JWT admits requests with a token in the header Authorization, with or
// without "Bearer " before it. As API Gateway does, it takes RSA's algorithms
// only, here RS256, RS384 and RS512, and client_id where aud is missing. A token
// without exp is refused; scopes are not looked at.
type JWT struct {
	Issuer   string
	Audience []string // one of them is enough
	Key      func(id string) (*rsa.PublicKey, bool)
	Now      func() time.Time // nil: time.Now
}

// Authorize returns the claims, each as a text.
func (j JWT) Authorize(r *http.Request, _ []byte) (*events.APIGatewayV2HTTPRequestContextAuthorizerDescription, *httpapi.Refusal) {
	header := strings.Join(r.Header.Values("Authorization"), ",")
	if header == "" {
		return nil, &httpapi.Refusal{Status: http.StatusUnauthorized, Challenge: "Bearer"}
	}
	token := header
	if scheme, rest, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = rest
	}
	claims, err := j.verify(token)
	if err != nil {
		challenge := fmt.Sprintf(`Bearer scope="" error="invalid_token" error_description=%q`, err)
		return nil, &httpapi.Refusal{Status: http.StatusUnauthorized, Challenge: challenge}
	}
	return &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: claimTexts(claims)},
	}, nil
}

func (j JWT) verify(token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("the token has not three parts")
	}
	if err := j.verifySignature(parts); err != nil {
		return nil, err
	}
	var claims map[string]any
	if err := decodePart(parts[1], &claims); err != nil {
		return nil, errors.New("the token's claims are no JSON object")
	}
	return claims, j.verifyClaims(claims)
}

// verifySignature takes the algorithm from the token, but the kind of key from
// the issuer: a token cannot have its signature checked as another kind.
func (j JWT) verifySignature(parts []string) error {
	var header struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
		Critical  any    `json:"crit"`
	}
	if err := decodePart(parts[0], &header); err != nil {
		return errors.New("the token's header is no JSON object")
	}
	if header.Critical != nil { // RFC 7515 section 4.1.11: not understood, so refused
		return errors.New("the token has critical extensions")
	}
	var hash crypto.Hash
	switch header.Algorithm {
	case "RS256":
		hash = crypto.SHA256
	case "RS384":
		hash = crypto.SHA384
	case "RS512":
		hash = crypto.SHA512
	default:
		return errors.New("the token's signing method is not supported")
	}
	key, ok := j.Key(header.KeyID)
	if !ok {
		return errors.New("the token's key is unknown")
	}
	signature, err := decodeText(parts[2])
	if err != nil {
		return errors.New("the token's signature is not base64url")
	}
	digest := hash.New()
	digest.Write([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(key, hash, digest.Sum(nil), signature) != nil {
		return errors.New("the token's signature is invalid")
	}
	return nil
}

func (j JWT) verifyClaims(claims map[string]any) error {
	if claims["iss"] != j.Issuer {
		return errors.New("the token does not have a valid issuer")
	}
	audience, ok := claims["aud"]
	if !ok {
		audience = claims["client_id"]
	}
	if !slices.ContainsFunc(j.Audience, func(wanted string) bool { return contains(audience, wanted) }) {
		return errors.New("the token does not have a valid audience")
	}
	return j.verifyTimes(claims)
}

func (j JWT) verifyTimes(claims map[string]any) error {
	clock := time.Now
	if j.Now != nil {
		clock = j.Now
	}
	now := float64(clock().UnixMilli()) / 1000
	times := []struct {
		claim    string
		required bool
		holds    func(at float64) bool
		reason   string
	}{
		{"exp", true, func(at float64) bool { return now < at }, "the token has expired"},
		{"nbf", false, func(at float64) bool { return now >= at }, "the token is not valid yet"},
		{"iat", false, func(at float64) bool { return now >= at }, "the token was issued in the future"},
	}
	for _, check := range times {
		value, ok := claims[check.claim]
		if !ok && !check.required {
			continue
		}
		number, _ := value.(json.Number)
		at, err := number.Float64()
		if err != nil {
			return fmt.Errorf("the token's %s is no time", check.claim)
		}
		if !check.holds(at) {
			return errors.New(check.reason)
		}
	}
	return nil
}

// contains takes the audience as a text or a list of them.
func contains(audience any, wanted string) bool {
	list, ok := audience.([]any)
	if !ok {
		return audience == wanted
	}
	return slices.Contains(list, any(wanted))
}

// claimTexts turns claims into the texts that the event carries: numbers as
// they stand in the token, lists as "[a b]".
func claimTexts(claims map[string]any) map[string]string {
	texts := make(map[string]string, len(claims))
	for name, value := range claims {
		texts[name] = fmt.Sprint(value)
	}
	return texts
}

func decodePart(part string, v any) error {
	text, err := decodeText(part)
	if err != nil {
		return err
	}
	if !json.Valid(text) { // a decoder would not mind what follows the object
		return errors.New("no JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(v)
}

func decodeText(part string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(part)
}
