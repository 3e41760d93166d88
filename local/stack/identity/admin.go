package identity

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
)

// userName is what IAM allows for a user's name.
const userName = `^[\w+=,.@-]{1,64}$`

// Admin hands credentials to whoever asks. Mount it at the root of an address
// that only this machine reaches.
func Admin(issuer *Issuer, keys *AccessKeys) http.Handler {
	allowed := regexp.MustCompile(userName)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token/{subject}", func(w http.ResponseWriter, r *http.Request) {
		subject := r.PathValue("subject")
		if len(subject) > 255 {
			http.Error(w, "want a subject of at most 255 bytes", http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, issuer.Token(subject))
	})
	mux.HandleFunc("GET /access-key/{user}", func(w http.ResponseWriter, r *http.Request) {
		user := r.PathValue("user")
		if !allowed.MatchString(user) {
			http.Error(w, "want a name of 1 to 64 letters, digits or _+=,.@-", http.StatusBadRequest)
			return
		}
		key := keys.Of(user)
		fmt.Fprintln(w, key.ID+":"+key.Secret)
	})
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, map[string]any{
			"issuer":                                IssuerURL,
			"jwks_uri":                              "http://" + r.Host + "/.well-known/jwks.json",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, issuer.keySet()) })
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}
