package session

import (
	"fmt"
	"strconv"
	"strings"
)

// tag is the content of an entity tag: the life and the version in that life. The
// version alone could be one of another life.
type tag struct {
	life    string
	version int64
}

func (t tag) String() string { return fmt.Sprintf(`"%s-%d"`, t.life, t.version) }

// parseTag parses the header If-Match, one entity tag. A weak tag (RFC 9110, section
// 8.8.3.2) or a foreign one matches nothing. ok is false for anything else, such as a
// list or *, which would match a version that the client has not seen.
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
