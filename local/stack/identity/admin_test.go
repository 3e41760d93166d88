package identity

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(body))
}

func TestCredentialsThatAreHandedOutAreAdmitted(t *testing.T) {
	issuer, keys := NewIssuer(), NewAccessKeys()
	admin := httptest.NewServer(Admin(issuer, keys))
	defer admin.Close()

	_, token := get(t, admin.URL+"/token/alice")
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	caller, rejection := JWT{Issuer: IssuerURL, Audience: []string{Audience}, Key: publishedKey(t, admin.URL)}.Authorize(r, nil)
	if rejection != nil || caller.JWT.Claims["sub"] != "alice" {
		t.Errorf("the token gives %+v, %+v", caller, rejection)
	}

	_, pair := get(t, admin.URL+"/access-key/alice")
	id, secret, _ := strings.Cut(pair, ":")
	if key, ok := keys.Find(id); !ok || key.Secret != secret || !strings.HasSuffix(key.UserARN, ":user/alice") {
		t.Errorf("the access key is %+v", key)
	}
	if _, again := get(t, admin.URL+"/access-key/alice"); again != pair {
		t.Error("asking twice gives two keys")
	}

	for _, path := range []string{"/token/" + strings.Repeat("a", 256), "/access-key/a%2Fb", "/access-key/" + strings.Repeat("a", 65)} {
		if status, answer := get(t, admin.URL+path); status != 400 || !strings.HasPrefix(answer, "want a ") {
			t.Errorf("%.30s: got %d %s, want 400", path, status, answer)
		}
	}
}

// publishedKey returns the keys that a stranger finds from the discovery document
// on.
func publishedKey(t *testing.T, base string) func(string) (*rsa.PublicKey, bool) {
	t.Helper()
	var discovery struct {
		Issuer string
		Keys   string `json:"jwks_uri"`
	}
	_, text := get(t, base+"/.well-known/openid-configuration")
	if err := json.Unmarshal([]byte(text), &discovery); err != nil {
		t.Fatal(err)
	}
	if discovery.Issuer != IssuerURL {
		t.Errorf("issuer %q, want %q", discovery.Issuer, IssuerURL)
	}
	var set struct {
		Keys []struct{ Kty, Kid, N, E string }
	}
	_, text = get(t, discovery.Keys)
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		t.Fatal(err)
	}
	return func(id string) (*rsa.PublicKey, bool) {
		for _, key := range set.Keys {
			n, err1 := base64.RawURLEncoding.DecodeString(key.N)
			e, err2 := base64.RawURLEncoding.DecodeString(key.E)
			if key.Kid == id && key.Kty == "RSA" && err1 == nil && err2 == nil {
				return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, true
			}
		}
		return nil, false
	}
}
