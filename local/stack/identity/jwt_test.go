package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// issued is a moment at which the tests' tokens are valid.
var issued = time.Date(2026, 1, 8, 19, 54, 0, 0, time.UTC)

// changed copies claims or a header with some of them set, or with nil removed.
func changed(original map[string]any, changes ...any) map[string]any {
	copied := maps.Clone(original)
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(copied, changes[i].(string))
			continue
		}
		copied[changes[i].(string)] = changes[i+1]
	}
	return copied
}

// encodePart returns v as a part of a token.
func encodePart(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers only
	}
	return encode(text)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// hs256 signs with a secret, as an attacker does with what the issuer publishes.
func hs256(header, claims map[string]any, secret []byte) string {
	signed := encodePart(header) + "." + encodePart(claims)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(signed))
	return signed + "." + encode(h.Sum(nil))
}

func es256(t *testing.T, header, claims map[string]any) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed := encodePart(header) + "." + encodePart(claims)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + encode(signature)
}

func TestTokens(t *testing.T) {
	issuer, other := NewIssuer(), NewIssuer()
	authorizer := JWT{Issuer: IssuerURL, Audience: []string{"coldfuse", "second"}, Key: issuer.Key, Now: func() time.Time { return issued }}
	header := map[string]any{"alg": "RS256", "kid": issuer.id, "typ": "JWT"}
	claims := map[string]any{
		"iss": IssuerURL, "aud": "coldfuse", "sub": "alice",
		"iat": issued.Unix(), "nbf": issued.Unix(), "exp": issued.Add(time.Hour).Unix(),
	}
	with := func(changes ...any) string { return issuer.sign(header, changed(claims, changes...)) }
	under := func(changes ...any) string { return issuer.sign(changed(header, changes...), claims) }
	good := with()
	parts := strings.Split(good, ".")
	public, err := x509.MarshalPKIXPublicKey(&issuer.key().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	published := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	asRS384 := changed(header, "alg", "RS384")
	signed384 := encodePart(asRS384) + "." + parts[1]
	digest := crypto.SHA384.New()
	digest.Write([]byte(signed384))
	signature384, err := rsa.SignPKCS1v15(nil, issuer.key(), crypto.SHA384, digest.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	const unsupported, invalid, malformed = "signing method", "signature is invalid", "token is malformed"
	cases := []struct {
		rule, authorization string
		want                string // in the challenge; empty: admitted
	}{
		{"a token after Bearer is admitted", "Bearer " + good, ""},
		{"Bearer may be written as one likes", "bearer " + good, ""},
		{"a bare token is admitted", good, ""},
		{"RSA with another hash is admitted", signed384 + "." + encode(signature384), ""},
		{"one of several audiences is enough", with("aud", []string{"another", "second"}), ""},
		{"client_id counts where aud is missing", with("aud", nil, "client_id", "coldfuse"), ""},
		{"nbf and iat may be missing", with("nbf", nil, "iat", nil), ""},
		{"times may have fractions", with("exp", float64(issued.Unix())+0.5), ""},

		{"no header is answered by the bare challenge", "", "Bearer"},
		{"another scheme is no token", "Basic YTpi", malformed},
		{"two tokens are not one", good + "," + good, malformed},
		{"a part is missing", parts[0] + "." + parts[1], malformed},
		{"a header that is no JSON", "e30x." + parts[1] + "." + parts[2], malformed},
		{"a header that is no object", encodePart([]int{1}) + "." + parts[1] + "." + parts[2], malformed},
		{"padding is not base64url", parts[0] + "." + parts[1] + "." + parts[2] + "==", malformed},

		{"alg none without a signature", encodePart(changed(header, "alg", "none")) + "." + parts[1] + ".", unsupported},
		{"alg None too", encodePart(changed(header, "alg", "None")) + "." + parts[1] + ".", unsupported},
		{"alg none with a good signature", under("alg", "none"), unsupported},
		{"no alg", under("alg", nil), unsupported},
		{"HS256 with the public key as the secret", hs256(changed(header, "alg", "HS256"), claims, published), unsupported},
		{"HS256 with its bare bytes", hs256(changed(header, "alg", "HS256"), claims, public), unsupported},
		{"HMAC under the name of RS256", hs256(header, claims, published), invalid},
		{"ES256, which API Gateway does not take", es256(t, changed(header, "alg", "ES256"), claims), unsupported},
		{"PS256 neither", under("alg", "PS256"), unsupported},
		{"a hash that is not the signature's", under("alg", "RS512"), invalid},

		{"an unknown kid", under("kid", "x"), "key is unknown"},
		{"no kid", under("kid", nil), "key is unknown"},
		{"a key of the token's own is not looked at", other.sign(changed(header, "kid", other.id, "jwk", "x"), claims), "key is unknown"},
		{"another's key under our kid", other.sign(header, claims), invalid},
		{"critical extensions are not understood", under("crit", []string{"b64"}), "critical extensions"},

		{"claims changed after signing", parts[0] + "." + encodePart(changed(claims, "sub", "bob")) + "." + parts[2], invalid},
		{"a header changed after signing", encodePart(changed(header, "typ", "at+jwt")) + "." + parts[1] + "." + parts[2], invalid},
		{"an empty signature", parts[0] + "." + parts[1] + ".", invalid},

		{"another issuer", with("iss", IssuerURL+"/"), "invalid issuer"},
		{"no issuer", with("iss", nil), "iss claim is required"},
		{"another audience", with("aud", "coldfus"), "valid audience"},
		{"none of several audiences", with("aud", []string{"a", "b"}), "valid audience"},
		{"no audience", with("aud", nil), "valid audience"},
		{"client_id does not count next to aud", with("aud", "a", "client_id", "coldfuse"), "valid audience"},

		{"it has expired", with("exp", issued.Add(-time.Second).Unix()), "is expired"},
		{"it expires at its last second", with("exp", issued.Unix()), "is expired"},
		{"it never expires", with("exp", nil), "exp claim is required"},
		{"it expires at a text", with("exp", "tomorrow"), "exp is invalid"},
		{"it is not valid yet", with("nbf", issued.Add(time.Second).Unix()), "not valid yet"},
		{"it is never valid", with("nbf", 1e300), "nbf is not a time"},
		{"it comes from the future", with("iat", issued.Add(time.Second).Unix()), "before issued"},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			if c.authorization != "" {
				r.Header.Set("Authorization", c.authorization)
			}
			caller, rejection := authorizer.Authorize(r, nil)
			if c.want == "" {
				if rejection != nil {
					t.Fatalf("refused: %+v", rejection)
				}
				if got := caller.JWT.Claims["sub"]; got != "alice" {
					t.Errorf("subject %q", got)
				}
				return
			}
			if rejection == nil {
				t.Fatalf("admitted: %v", caller.JWT.Claims)
			}
			if rejection.Status != 401 || !strings.HasPrefix(rejection.Challenge, "Bearer") || !strings.Contains(rejection.Challenge, c.want) {
				t.Errorf("got %+v, want %q", rejection, c.want)
			}
		})
	}
}

func TestEveryClaimIsAText(t *testing.T) {
	issuer := NewIssuer()
	claims := map[string]any{
		"iss": IssuerURL, "aud": []string{"coldfuse", "b"}, "sub": "alice", "exp": 4102444800,
		"admin": true, "groups": []string{"a", "b"}, "weight": 0.5,
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", issuer.sign(map[string]any{"alg": "RS256", "kid": issuer.id}, claims))
	caller, rejection := JWT{Issuer: IssuerURL, Audience: []string{"coldfuse"}, Key: issuer.Key}.Authorize(r, nil)
	if rejection != nil {
		t.Fatalf("refused: %+v", rejection)
	}
	want := map[string]string{
		"iss": IssuerURL, "aud": "[coldfuse b]", "sub": "alice", "exp": "4102444800",
		"admin": "true", "groups": "[a b]", "weight": "0.5",
	}
	if got := caller.JWT.Claims; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if caller.IAM != nil || caller.JWT.Scopes != nil {
		t.Errorf("got %+v, want claims only", caller)
	}
}

func FuzzATokenIsAdmittedAsIssuedOnly(f *testing.F) {
	issuer := NewIssuer()
	good := issuer.Token("alice")
	authorizer := JWT{Issuer: IssuerURL, Audience: []string{Audience}, Key: issuer.Key}
	f.Add(good)
	f.Add("Bearer " + good)
	f.Add(good[:len(good)-1])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, authorization string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", authorization)
		_, rejection := authorizer.Authorize(r, nil)
		bare := authorization
		if len(bare) > 7 && strings.EqualFold(bare[:7], "Bearer ") {
			bare = bare[7:]
		}
		if admitted := rejection == nil; admitted != (bare == good) {
			t.Errorf("%q: admitted %t", authorization, admitted)
		}
	})
}
