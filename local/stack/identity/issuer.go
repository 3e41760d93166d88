package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What the issuer's tokens say, and for how long.
const (
	// IssuerURL is a name, not an address: the gateway has the keys from the
	// Issuer itself, and fetches nothing.
	IssuerURL = "https://issuer.coldfuse.local"
	Audience  = "coldfuse"
	Lifetime  = time.Hour
)

// Issuer signs tokens with its own RSA key, which is made with the first token. It
// is safe for concurrent use.
type Issuer struct {
	key func() *rsa.PrivateKey
	id  string
	now func() time.Time
}

// NewIssuer returns an issuer with a new key.
func NewIssuer() *Issuer {
	return &Issuer{
		key: sync.OnceValue(func() *rsa.PrivateKey {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			if err != nil {
				panic(err) // only a size that is too small, or no randomness
			}
			return key
		}),
		id:  rand.Text()[:8],
		now: time.Now,
	}
}

// Token returns a token that a JWT authorizer admits, for Lifetime.
func (i *Issuer) Token(subject string) string {
	now := i.now()
	return i.sign(
		map[string]any{"alg": "RS256", "kid": i.id, "typ": "JWT"},
		map[string]any{
			"iss": IssuerURL,
			"aud": Audience,
			"sub": subject,
			"iat": now.Unix(),
			"nbf": now.Unix(),
			"exp": now.Add(Lifetime).Unix(),
			"jti": rand.Text(),
		},
	)
}

// sign returns a token of any header and claims, signed with RS256.
func (i *Issuer) sign(header, claims map[string]any) string {
	token := &jwt.Token{Header: header, Claims: jwt.MapClaims(claims), Method: jwt.SigningMethodRS256}
	text, err := token.SignedString(i.key())
	if err != nil {
		panic(err) // the key is ours, and the claims are texts and numbers
	}
	return text
}

// Key returns the public key with the given id.
func (i *Issuer) Key(id string) (*rsa.PublicKey, bool) {
	if id != i.id {
		return nil, false
	}
	return &i.key().PublicKey, true
}

// keySet is the JWK set of RFC 7517.
func (i *Issuer) keySet() any {
	type key struct {
		Type      string `json:"kty"`
		Use       string `json:"use"`
		Algorithm string `json:"alg"`
		ID        string `json:"kid"`
		Modulus   string `json:"n"`
		Exponent  string `json:"e"`
	}
	public := i.key().PublicKey
	encode := base64.RawURLEncoding.EncodeToString
	return map[string][]key{"keys": {{
		"RSA", "sig", "RS256", i.id, encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes()),
	}}}
}
