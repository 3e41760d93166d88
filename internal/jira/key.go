package jira

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/idempotency"
)

const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotent-Replayed"
	maxKey         = 255
)

// readKey returns the value of the header and whether there is one. It answers an
// invalid one with a 400 problem, and ok is false.
func (c *Connector) readKey(w http.ResponseWriter, r *http.Request) (key string, given, ok bool) {
	values := r.Header.Values(keyHeader)
	switch {
	case len(values) == 0:
		return "", false, true
	case c.keys == nil: // accepting the key without keeping its promise would be worse
		gateway.WriteBadField(w, r, keyHeader, "the header is not supported")
	case len(values) > 1 || !isKey(values[0]):
		gateway.WriteBadField(w, r, keyHeader, "want one key of 1 to 255 printable ASCII characters")
	default:
		return values[0], true, true
	}
	return "", true, false
}

// isKey rejects spaces at the ends, which HTTP strips.
func isKey(s string) bool {
	return s != "" && len(s) <= maxKey && strings.TrimSpace(s) == s && consistsOf(s, func(c byte) bool { return ' ' <= c && c <= '~' })
}

// keyOf scopes a key to the caller and the operation, and binds it to the
// issue: as it was understood, so that blanks and the order of fields make no
// difference.
func keyOf(r *http.Request, value string, n newIssue) idempotency.Key {
	subject, _ := gateway.Subject(r.Context())
	payload, err := json.Marshal(n)
	if err != nil { // it was JSON a moment ago
		panic(err)
	}
	return idempotency.Key{Operation: createIssue, Subject: subject, Value: value, Payload: idempotency.Hash(payload)}
}
