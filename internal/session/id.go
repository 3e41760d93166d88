package session

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// isID reports whether a client may give text as the id of a session or message.
func isID(text string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return text != "" && len(text) <= maxID && strings.Trim(text, plain) == ""
}

// isOwner reports whether a subject can own sessions: MongoDB keeps only UTF-8.
func isOwner(subject string) bool {
	return subject != "" && len(subject) <= maxOwner && utf8.ValidString(subject)
}

// newID returns an id that nobody has or guesses.
func newID() string { return rand.Text() }

// newLife returns the number of a life that begins at now: lives sort by their
// beginning, so that it also is where a page of sessions begins.
func newLife(now time.Time) string {
	return fmt.Sprintf("%012x%s", now.UnixMilli(), strings.ToLower(rand.Text()))
}
