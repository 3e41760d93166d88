package markdown

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of nesting, for elements of any kind and for lists and quotations, which
// indent each of their lines. Tags nested deeper are dropped and their text is
// kept. The converter recurses, and copies text once for each enclosing element.
const (
	maxDepth  = 64
	maxIndent = 8
)

// parseHTML reads the HTML of a page into a tree for the converter: bounded in
// depth and tables, with absolute links, and without scripts.
//
// html.Parse does not serve: it fails on elements nested deeper than 512, and
// recovers from unclosed tags as the standard says, by repeating them in every
// following paragraph, which turns one megabyte into gigabytes. Confluence's own
// HTML is well-formed and needs no recovery.
func parseHTML(source string, page *url.URL) *html.Node {
	root := &html.Node{Type: html.DocumentNode}
	b := &treeBuilder{page: page, open: []openTag{{node: root}}, opened: make(map[string]int)}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken: // the end
			b.flush()
			for _, t := range b.tables {
				boundTable(t)
			}
			return root
		case html.TextToken:
			b.write(string(z.Text()))
		case html.StartTagToken:
			b.start(z.Token())
		case html.SelfClosingTagToken: // closed, even if it is a script's
			z.NextIsNotRawText()
			b.add(z.Token())
		case html.EndTagToken:
			name, _ := z.TagName()
			b.end(string(name))
		}
	}
}

type treeBuilder struct {
	page   *url.URL
	open   []openTag      // from the root down
	opened map[string]int // how many of them, by name
	text   strings.Builder
	tables []*html.Node
}

// openTag is a tag whose end has not been read. Its content goes into node: its
// own, the enclosing one if only the tag is dropped, or nil if the content is
// dropped too.
type openTag struct {
	name  string
	node  *html.Node
	place place // of node
}

// place is the position of an element.
type place struct {
	depth, indent int
	inCell        bool
}

// inside returns the place of the content of an element at p.
func (p place) inside(a atom.Atom) place {
	p.depth++
	switch a {
	case atom.Ul, atom.Ol, atom.Blockquote:
		p.indent++
	case atom.Td, atom.Th:
		p.inCell = true
	}
	return p
}

func (b *treeBuilder) top() openTag { return b.open[len(b.open)-1] }

// write collects text, which the tokenizer returns in pieces.
func (b *treeBuilder) write(text string) {
	if b.top().node != nil {
		b.text.WriteString(strings.Map(textual, text))
	}
}

// textual drops control characters, and the private-use character with which the
// converter marks lines of code.
func textual(r rune) rune {
	if r < ' ' && r != '\n' && r != '\t' || r == '\uf002' {
		return -1
	}
	return r
}

func (b *treeBuilder) flush() {
	if b.text.Len() > 0 {
		b.top().node.AppendChild(&html.Node{Type: html.TextNode, Data: b.text.String()})
		b.text.Reset()
	}
}

func (b *treeBuilder) start(t html.Token) {
	node := b.add(t)
	tag := b.top()
	switch {
	case isVoid(t.DataAtom):
		return
	case isDropped(t.DataAtom):
		tag.node = nil
	case node != nil:
		tag.node, tag.place = node, tag.place.inside(node.DataAtom)
	}
	tag.name = t.Data
	b.push(tag)
}

func (b *treeBuilder) push(tag openTag) {
	if tag.node != b.top().node {
		b.flush()
	}
	b.open = append(b.open, tag)
	b.opened[tag.name]++
}

// end closes the last open tag of the name and every tag opened after it. An end
// without a start is ignored.
func (b *treeBuilder) end(name string) {
	if b.opened[name] == 0 {
		return
	}
	for b.pop() != name {
	}
}

// pop closes the last open tag and returns its name.
func (b *treeBuilder) pop() string {
	last, around := b.top(), b.open[len(b.open)-2]
	if around.node != last.node {
		b.flush()
	}
	b.open = b.open[:len(b.open)-1]
	b.opened[last.name]--
	return last.name
}

// add adds the tag's element and returns it, or nil if the tag gets none.
func (b *treeBuilder) add(t html.Token) *html.Node {
	around := b.top()
	switch {
	// Of a tag that HTML does not define, such as a macro's, only the text is kept.
	case around.node == nil, around.place.depth >= maxDepth, t.DataAtom == 0, isDropped(t.DataAtom):
		return nil
	case around.place.inside(t.DataAtom).indent > maxIndent:
		return nil
	case t.DataAtom == atom.Table && around.place.depth+4 > maxDepth:
		return nil // the text of a table without cells would be lost
	case around.place.inCell && isBlock(t.DataAtom):
		b.breakLine(t.DataAtom)
		return nil
	}
	node := b.element(t)
	if node != nil {
		b.flush()
		around.node.AppendChild(node)
	}
	return node
}

// element returns the tag's element with the attributes that markdown can express,
// or nil if only the text is of use.
func (b *treeBuilder) element(t html.Token) *html.Node {
	node := &html.Node{Type: html.ElementNode, Data: t.Data, DataAtom: t.DataAtom}
	switch t.DataAtom {
	case atom.A:
		href := b.absolute(attribute(t, "href"), "http", "https", "mailto")
		if href == "" {
			return nil
		}
		set(node, "href", href)
	case atom.Img:
		// A backslash would cancel one that the converter adds.
		alt := strings.ReplaceAll(strings.Map(textual, attribute(t, "alt")), `\`, "")
		src := b.absolute(attribute(t, "src"), "http", "https")
		if src == "" {
			b.write(alt)
			return nil
		}
		set(node, "src", src)
		set(node, "alt", alt)
	case atom.Pre:
		if b.top().place.inCell {
			b.breakLine(atom.Pre)
			rename(node, atom.Code)
		} else if language := language(attribute(t, "data-syntaxhighlighter-params")); language != "" {
			set(node, "class", "language-"+language)
		}
	case atom.Ol:
		if start := attribute(t, "start"); isOrdinal(start) {
			set(node, "start", start)
		}
	case atom.Td, atom.Th:
		setSpans(node, t)
	case atom.Table:
		b.tables = append(b.tables, node)
	}
	return node
}

// bullet marks the items of a list in a table cell.
const bullet = "•"

// breakLine begins a line in a table cell, which cannot hold blocks. An empty line
// is used again.
func (b *treeBuilder) breakLine(block atom.Atom) {
	text, last := strings.TrimSpace(b.text.String()), b.top().node.LastChild
	if text != "" && text != bullet || text == "" && last != nil && last.DataAtom != atom.Br {
		b.flush()
		b.top().node.AppendChild(&html.Node{Type: html.ElementNode, Data: "br", DataAtom: atom.Br})
	}
	if block == atom.Li {
		b.write(bullet + " ")
	}
}

// absolute resolves the link against the page. It returns "" if the link has none
// of the schemes.
func (b *treeBuilder) absolute(link string, schemes ...string) string {
	u, err := b.page.Parse(strings.TrimSpace(link))
	if link == "" || err != nil || !slices.Contains(schemes, u.Scheme) {
		return ""
	}
	return u.String()
}

func set(n *html.Node, name, value string) {
	n.Attr = append(n.Attr, html.Attribute{Key: name, Val: value})
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// isOrdinal reports whether s can be the first number of a list: 1 to 18 digits, so
// that the numbers after it do not overflow.
func isOrdinal(s string) bool {
	return s != "" && len(s) <= 18 && strings.Trim(s, "0123456789") == ""
}

// language returns the language in the settings of a code macro, such as
// "brush: java; gutter: false", or "".
func language(settings string) string {
	_, after, _ := strings.Cut(settings, "brush:")
	name, _, _ := strings.Cut(after, ";")
	name = strings.TrimSpace(name)
	if strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789+#-", r) }) {
		return ""
	}
	return name
}

// isDropped reports whether an element runs, or has no text worth keeping.
func isDropped(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Iframe, atom.Object, atom.Svg:
		return true
	}
	return false
}

// isBlock reports whether an element is a block, the parts of a table included.
func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Ul, atom.Ol, atom.Li, atom.Blockquote, atom.Hr,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Table, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr, atom.Td, atom.Th:
		return true
	}
	return false
}

// isVoid reports whether an element has no end tag (HTML standard, "void
// elements").
func isVoid(a atom.Atom) bool {
	switch a {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input,
		atom.Link, atom.Meta, atom.Param, atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}
