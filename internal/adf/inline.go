package adf

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	extension "github.com/yuin/goldmark/extension/ast"
)

// inlines appends what is inside a node to a line.
func (c *converter) inlines(l *line, parent ast.Node, s style) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		c.inline(l, n, s)
	}
}

func (c *converter) inline(l *line, n ast.Node, s style) {
	switch n := n.(type) {
	case *ast.Text:
		l.add(c.text(n), s)
		if n.SoftLineBreak() || n.HardLineBreak() {
			l.add("\n", s)
		}
	case *ast.CodeSpan:
		s.code = true
		l.add(c.code(n), s)
	case *ast.Emphasis:
		s.em, s.strong = s.em || n.Level == 1, s.strong || n.Level == 2
		c.inlines(l, n, s)
	case *extension.Strikethrough:
		s.strike = true
		c.inlines(l, n, s)
	case *ast.Link:
		c.link(l, n, n.Destination, s)
	case *ast.Image:
		c.link(l, n, n.Destination, s)
	case *ast.AutoLink:
		c.autoLink(l, n, s)
	case *ast.RawHTML:
		l.add(string(n.Segments.Value(c.source)), s)
	case *extension.TaskCheckBox:
		l.add(box(n), s)
	default:
		c.inlines(l, n, s)
	}
}

func (c *converter) text(n *ast.Text) string {
	if n.IsRaw() {
		return string(n.Value(c.source))
	}
	return unescape(n.Value(c.source))
}

// box draws a checkbox.
func box(n *extension.TaskCheckBox) string {
	if n.IsChecked {
		return "☑ "
	}
	return "☐ "
}

// code is the text of a code span. In a table it may hold pipes, which have a
// backslash before them there.
func (c *converter) code(span *ast.CodeSpan) string {
	var b strings.Builder
	for n := span.FirstChild(); n != nil; n = n.NextSibling() {
		if t, ok := n.(*ast.Text); ok {
			b.Write(t.Value(c.source))
		}
	}
	if c.inCell {
		return strings.ReplaceAll(b.String(), `\|`, `|`)
	}
	return b.String()
}

// link appends a link or, as one, an image. There are no links in links: an
// image in one is its text. Where there is no text, the address is.
func (c *converter) link(l *line, n ast.Node, destination []byte, s style) {
	address := unescape(destination)
	if s.href == "" {
		s.href = webAddress(address)
	}
	if !n.HasChildren() {
		l.add(address, s)
		return
	}
	c.inlines(l, n, s)
}

func (c *converter) autoLink(l *line, n *ast.AutoLink, s style) {
	address := string(n.URL(c.source))
	if n.AutoLinkType == ast.AutoLinkEmail {
		address = "mailto:" + address
	}
	if s.href == "" {
		s.href = webAddress(address)
	}
	l.add(string(n.Label(c.source)), s)
}
