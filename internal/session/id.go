package session

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// isID reports whether text is valid as a client's id of a session or message.
func isID(text string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return text != "" && len(text) <= maxID && strings.Trim(text, plain) == ""
}

// newID returns a random id that cannot be guessed.
func newID() string { return rand.Text() }

// newLife returns the number of a life that begins at now. Lives sort by their start,
// so a life also serves as the start of a page of sessions.
func newLife(now time.Time) string {
	return fmt.Sprintf("%012x%s", now.UnixMilli(), strings.ToLower(rand.Text()))
}
