package confluence

import (
	"slices"
	"strings"
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
// id or, if it is old, by a user name.
func isSpaceKey(s string) bool {
	name, personal := strings.CutPrefix(s, "~")
	if name == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxSpaceKey {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
			return false
		default:
			return !personal || r < utf8.RuneSelf && !strings.ContainsRune(".:@+~", r)
		}
	})
}

func areSpaceKeys(keys []string) bool {
	return len(keys) <= maxKeys && !slices.ContainsFunc(keys, func(key string) bool { return !isSpaceKey(key) })
}

func isNumber(s string) bool {
	return s != "" && len(s) <= maxDigits && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
