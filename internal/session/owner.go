package session

import (
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

// requireOwner returns a handler that calls h with the caller's subject and the id of
// the path, which is "" or valid.
func requireOwner(h func(w http.ResponseWriter, r *http.Request, owner, id string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		owner, ok := gateway.Subject(r.Context())
		if !ok || !isOwner(owner) {
			gateway.WriteProblem(w, r, gateway.NoSubject())
			return
		}
		id := r.PathValue("id")
		if id != "" && !isID(id) {
			gateway.WriteBadField(w, r, "id", wantID)
			return
		}
		h(w, r, owner, id)
	}
}

var wantID = fmt.Sprintf("want 1 to %d letters, digits, - and _", maxID)

// isOwner reports whether a subject can own sessions: MongoDB keeps only UTF-8.
func isOwner(subject string) bool {
	return subject != "" && len(subject) <= maxOwner && utf8.ValidString(subject)
}

// key returns a session's _id. Owners can contain a colon, ids cannot, so the last
// colon separates them.
func key(owner, id string) string { return owner + ":" + id }
