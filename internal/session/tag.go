package session

import (
	"fmt"
	"strconv"
	"strings"
)

// tag is what an entity tag tells of a session: which of its id's lives, and
// which version in that. Versions alone would be those of another life too.
type tag struct {
	life    string
	version int64
}

func (t tag) String() string { return fmt.Sprintf(`"%s-%d"`, t.life, t.version) }

// parseTag reads the header If-Match: one entity tag. One that is weak (RFC
// 9110, section 8.8.3.2) or that was never given matches nothing. The result is
// false for anything else, such as a list or *, which would match what the
// client has not seen.
func parseTag(header string) (tag, bool) {
	header = strings.TrimSpace(header)
	_, weak := strings.CutPrefix(header, "W/")
	header = strings.TrimPrefix(header, "W/")
	if len(header) < 2 || header[0] != '"' || strings.IndexByte(header[1:], '"') != len(header)-2 {
		return tag{}, false
	}
	life, number, found := strings.Cut(header[1:len(header)-1], "-")
	version, err := strconv.ParseInt(number, 10, 64)
	if weak || !found || err != nil {
		return tag{}, true
	}
	return tag{life, version}, true
}
