package identity

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// What the issuer's tokens say, and for how long.
const (
	// IssuerURL is a name, not an address: the gateway has the keys from the
	// Issuer itself, and fetches nothing.
	IssuerURL = "https://issuer.coldfuse.local"
	Audience  = "coldfuse"
	Lifetime  = time.Hour
)

// Issuer signs tokens with an RSA key of its own, which is made with the first
// of them. It is safe for concurrent use.
type Issuer struct {
	key func() *rsa.PrivateKey
	id  string
	now func() time.Time
}

// NewIssuer returns an issuer with a key of its own.
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

// Token is one that a JWT authorizer admits, for Lifetime.
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

// sign makes a token of any header and claims, signed by RS256.
func (i *Issuer) sign(header, claims map[string]any) string {
	signed := encodePart(header) + "." + encodePart(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, i.key(), crypto.SHA256, digest[:])
	if err != nil {
		panic(err) // the key is ours
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// encodePart makes one of a token's three parts.
func encodePart(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("identity: %v", err)) // texts and numbers only
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// Key finds the public key with the given id.
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
