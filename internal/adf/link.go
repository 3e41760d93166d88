package adf

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/yuin/goldmark/util"
)

// webAddress returns an absolute http, https or mailto address as it goes into a
// link, and nothing for any other: a script's above all.
func webAddress(destination string) string {
	u, err := url.Parse(strings.TrimSpace(destination))
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "http", "https":
		if u.Hostname() != "" {
			return u.String()
		}
	case "mailto":
		if u.Opaque != "" {
			return u.String()
		}
	}
	return ""
}

// maxReference is the length of the longest name of a character in HTML, with
// the signs around it.
const maxReference = 33

// unescape resolves backslashes and character references, in one go: what a
// backslash protects is no reference.
func unescape(source []byte) string {
	if !bytes.ContainsAny(source, `\&`) {
		return string(source)
	}
	var b strings.Builder
	for i := 0; i < len(source); i++ {
		switch c := source[i]; {
		case c == '\\' && i+1 < len(source) && util.IsPunct(source[i+1]):
			i++
			b.WriteByte(source[i])
		case c == '&':
			i += reference(&b, source[i:])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// reference writes the character of the reference at the start of source, or the
// ampersand if that starts none. It returns how many bytes after the first it read.
func reference(b *strings.Builder, source []byte) int {
	end := bytes.IndexByte(source[:min(len(source), maxReference)], ';')
	if end > 0 {
		name := source[:end+1]
		resolved := util.ResolveEntityNames(util.ResolveNumericReferences(name))
		if !bytes.Equal(resolved, name) {
			b.Write(resolved)
			return end
		}
	}
	b.WriteByte('&')
	return 0
}
