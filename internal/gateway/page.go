package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Page is a part of a list. Next is empty on the last page. Items must not be nil,
// which JSON would show as null: see PageOf.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_page_token,omitempty"`
}

// PageOf returns a page of items, which can be nil.
func PageOf[T any](items []T, next string) Page[T] {
	if items == nil {
		items = []T{}
	}
	return Page[T]{items, next}
}

// A pageToken is opaque to clients and bound to its query. The upstream accepts
// its own token with any query, and answers with the pages of the wrong one.
type pageToken struct {
	Query string `json:"q"` // a hash
	Next  []byte `json:"n"` // any bytes: a JSON string would change some
}

// EncodeToken returns the page token for next, the upstream's own position, bound
// to the query. query is any value that is equal, as JSON, for the same query only.
// The token of an empty next is empty.
func EncodeToken(query any, next string) string {
	if next == "" {
		return ""
	}
	token, _ := json.Marshal(pageToken{hash(query), []byte(next)}) // strings always encode
	return base64.RawURLEncoding.EncodeToString(token)
}

// DecodeToken reverses EncodeToken. It returns "" for an empty token, and false if
// the token is invalid or belongs to another query.
func DecodeToken(query any, token string) (next string, ok bool) {
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

// BadToken returns the 400 problem of a page token that is invalid or belongs to
// another query.
func BadToken() Problem { return BadField("page_token", "the token is not one of this query's") }

// Limit returns the query parameter limit, or fallback if it is not given. If it
// is not a number from 1 to most, Limit answers with a 400 problem and returns
// false.
func Limit(w http.ResponseWriter, r *http.Request, query url.Values, fallback, most int) (int, bool) {
	if !query.Has("limit") {
		return fallback, true
	}
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 || limit > most {
		WriteBadField(w, r, "limit", fmt.Sprintf("want 1 to %d", most))
		return 0, false
	}
	return limit, true
}
