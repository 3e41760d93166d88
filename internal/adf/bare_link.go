package adf

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// bareLink parses web addresses that stand in the text as they are. Unlike
// GitHub's dialect it takes hosts without a dot: trackers link to machines of
// their own network.
type bareLink struct{}

// Trigger names what may stand before an address; the space stands for the
// beginning of a line too.
func (bareLink) Trigger() []byte { return []byte{' ', '*', '_', '~', '('} }

func (b bareLink) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if pc.IsInLinkLabel() {
		return nil
	}
	line, segment := block.PeekLine()
	skip := 0
	if bytes.IndexByte(b.Trigger(), line[0]) >= 0 {
		skip = 1
	}
	protocol, length := address(line[skip:])
	if length == 0 {
		return nil
	}
	if skip > 0 {
		ast.MergeOrAppendTextSegment(parent, segment.WithStop(segment.Start+skip))
	}
	block.Advance(skip + length)
	start := segment.Start + skip
	link := ast.NewAutoLink(ast.AutoLinkURL, ast.NewTextSegment(text.NewSegment(start, start+length)))
	link.Protocol = protocol
	return link
}

// address is how much of the line is an address, 0 if it begins with none, and
// the protocol if the address leaves it out.
func address(line []byte) (protocol []byte, length int) {
	host := 0
	switch {
	case bytes.HasPrefix(line, []byte("http://")), bytes.HasPrefix(line, []byte("https://")):
		host = bytes.IndexByte(line, ':') + len("://")
	case bytes.HasPrefix(line, []byte("www.")):
		protocol = []byte("http")
	default:
		return nil, 0
	}
	length = host + span(line[host:], func(r rune) bool {
		return strings.ContainsRune(".-_:", r) || unicode.IsLetter(r) || unicode.IsNumber(r)
	})
	if length < len(line) && bytes.IndexByte([]byte("/?#"), line[length]) >= 0 {
		length += span(line[length:], func(r rune) bool { return !unicode.IsSpace(r) && !strings.ContainsRune("<|`\\", r) })
	}
	length = withoutTrail(line[:length])
	whole := string(line[:length])
	if protocol != nil {
		whole = "http://" + whole
	}
	if webAddress(whole) == "" || whole == "http://www" {
		return nil, 0
	}
	return protocol, length
}

// span is how many bytes from the beginning on are characters of a kind.
func span(line []byte, kind func(rune) bool) int {
	if end := bytes.IndexFunc(line, func(r rune) bool { return !kind(r) }); end >= 0 {
		return end
	}
	return len(line)
}

// withoutTrail leaves out the punctuation of the sentence that the address
// stands in: a closing parenthesis belongs to it if the opening one does.
func withoutTrail(address []byte) int {
	open := bytes.Count(address, []byte{'('}) - bytes.Count(address, []byte{')'})
	end := len(address)
	for ; end > 0; end-- {
		switch last := address[end-1]; {
		case bytes.IndexByte([]byte(`?!.,:;*_~'"`), last) >= 0:
		case last == ')' && open < 0:
			open++
		default:
			return end
		}
	}
	return end
}
