package confluence

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of names: a space's key is at most 255 characters in Confluence, an id
// at most 18 digits of an int64, and one request takes at most 250 keys.
const (
	maxSpaceKey = 255
	maxDigits   = 18
	maxKeys     = 250
)

// isSpaceKey accepts a space's key or alias, of letters, digits, '-' and '_'.
// The key of a personal space begins with '~' and names its owner, by an account
// id or, if it is old, by whatever people were called then.
func isSpaceKey(s string) bool {
	name, personal := strings.CutPrefix(s, "~")
	if name == "" || len(s) > maxSpaceKey || !utf8.ValidString(s) {
		return false
	}
	also := "-_"
	if personal {
		also = "-_.:@+~"
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		plain := r < utf8.RuneSelf || personal
		return !(plain && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune(also, r))
	})
}

func areSpaceKeys(keys []string) bool {
	return len(keys) <= maxKeys && !slices.ContainsFunc(keys, func(key string) bool { return !isSpaceKey(key) })
}

func isNumber(s string) bool {
	return s != "" && len(s) <= maxDigits && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
