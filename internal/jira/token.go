package jira

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// A page token is opaque to clients and bound to its query: Jira's own would be
// taken with any query, and answered with another's pages.
type pageToken struct {
	Query string `json:"q"` // a hash
	Next  []byte `json:"n"` // of any bytes, which a JSON string would change
}

func encodeToken(query any, next string) string {
	if next == "" {
		return ""
	}
	token, _ := json.Marshal(pageToken{hash(query), []byte(next)}) // strings always encode
	return base64.RawURLEncoding.EncodeToString(token)
}

// decodeToken gives what encodeToken was given for the same query, and false
// for anything else.
func decodeToken(query any, token string) (next string, ok bool) {
	if token == "" {
		return "", true
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	var t pageToken
	if err != nil || json.Unmarshal(raw, &t) != nil || t.Query != hash(query) || len(t.Next) == 0 {
		return "", false
	}
	return string(t.Next), true
}

func hash(query any) string {
	encoded, _ := json.Marshal(query)
	sum := sha256.Sum256(encoded)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
