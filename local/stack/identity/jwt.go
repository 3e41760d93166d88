package identity

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/golang-jwt/jwt/v5"

	"github.com/coldfuse/coldfuse/local/stack/httpapi"
)

// JWT admits requests with a token in the header Authorization, with or without
// "Bearer " before it. Like API Gateway, it accepts only RSA's algorithms, here
// RS256, RS384 and RS512, and takes client_id where aud is missing. A token needs
// exp. Scopes are not checked.
type JWT struct {
	Issuer   string
	Audience []string // one of them is enough
	Key      func(id string) (*rsa.PublicKey, bool)
	Now      func() time.Time // nil: time.Now
}

// Authorize returns the claims, each as a text.
func (j JWT) Authorize(r *http.Request, _ []byte) (*events.APIGatewayV2HTTPRequestContextAuthorizerDescription, *httpapi.Rejection) {
	header := strings.Join(r.Header.Values("Authorization"), ",")
	if header == "" {
		return nil, &httpapi.Rejection{Status: http.StatusUnauthorized, Challenge: "Bearer"}
	}
	token := header
	if scheme, rest, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = rest
	}
	claims, err := j.verify(token)
	if err != nil {
		challenge := fmt.Sprintf(`Bearer scope="" error="invalid_token" error_description=%q`, err)
		return nil, &httpapi.Rejection{Status: http.StatusUnauthorized, Challenge: challenge}
	}
	return &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: claimTexts(claims)},
	}, nil
}

func (j JWT) verify(token string) (jwt.MapClaims, error) {
	now := time.Now
	if j.Now != nil {
		now = j.Now
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, j.key,
		jwt.WithValidMethods([]string{"RS256", "RS384", "RS512"}), jwt.WithIssuer(j.Issuer), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithTimeFunc(now), jwt.WithJSONNumber(), jwt.WithStrictDecoding())
	if err != nil {
		return nil, err
	}
	return claims, errors.Join(j.verifyAudience(claims), verifyTimes(claims))
}

func (j JWT) key(token *jwt.Token) (any, error) {
	if token.Header["crit"] != nil { // RFC 7515 section 4.1.11: not understood, so invalid
		return nil, errors.New("the token has critical extensions")
	}
	id, _ := token.Header["kid"].(string)
	key, ok := j.Key(id)
	if !ok {
		return nil, errors.New("the token's key is unknown")
	}
	return key, nil
}

// verifyAudience does what the package jwt does not: client_id stands in for aud.
func (j JWT) verifyAudience(claims jwt.MapClaims) error {
	audience, err := claims.GetAudience()
	if _, ok := claims["aud"]; !ok {
		client, _ := claims["client_id"].(string)
		audience = jwt.ClaimStrings{client}
	}
	if err != nil || !slices.ContainsFunc(j.Audience, func(wanted string) bool { return slices.Contains(audience, wanted) }) {
		return errors.New("the token does not have a valid audience")
	}
	return nil
}

// verifyTimes rejects times that the package jwt would compare after they
// overflowed.
func verifyTimes(claims jwt.MapClaims) error {
	for _, name := range []string{"exp", "nbf", "iat"} {
		number, _ := claims[name].(json.Number)
		if at, err := number.Float64(); err == nil && math.Abs(at) > latest {
			return fmt.Errorf("the token's %s is not a time", name)
		}
	}
	return nil
}

// latest is the largest time of a token, in seconds: the year 9999.
const latest = 253402300799

func init() {
	jwt.TimePrecision = time.Millisecond // API Gateway accepts fractions of a second
}

// claimTexts turns claims into the texts that the event carries: numbers as they
// are in the token, lists as "[a b]".
func claimTexts(claims jwt.MapClaims) map[string]string {
	texts := make(map[string]string, len(claims))
	for name, value := range claims {
		texts[name] = fmt.Sprint(value)
	}
	return texts
}
