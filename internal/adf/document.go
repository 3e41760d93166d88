package adf

import (
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
	extension "github.com/yuin/goldmark/extension/ast"
)

// MaxLength is Jira's limit of a text in characters. Callers must check it before they
// convert: goldmark's slowest texts take time quadratic in their length, a third of
// a second at this one.
const MaxLength = 32_767

// FromMarkdown converts markdown. The result depends on the markdown alone.
func FromMarkdown(markdown string) Document {
	markdown = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(strings.ToValidUTF8(markdown, "\uFFFD"))
	c := &converter{source: []byte(markdown)}
	return Document{Type: "doc", Version: 1, Content: append([]Node{}, c.blocks(parse(c.source), top)...)}
}

// place is where a block stands, which decides what it may be.
type place int

const (
	top    place = iota
	inside       // of a list item or a quote
)

type converter struct {
	source []byte
	inCell bool
	tasks  int // made so far
}

func (c *converter) blocks(parent ast.Node, at place) []Node {
	var nodes []Node
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		nodes = append(nodes, c.block(n, at)...)
	}
	return nodes
}

func (c *converter) block(n ast.Node, at place) []Node {
	switch n := n.(type) {
	case *ast.Paragraph, *ast.TextBlock:
		return paragraph(c.line(n, style{}))
	case *ast.Heading:
		return c.heading(n, at)
	case *ast.ThematicBreak:
		if at == inside {
			return paragraph([]Node{{Type: "text", Text: "———"}})
		}
		return []Node{{Type: "rule"}}
	case *ast.CodeBlock:
		return []Node{c.codeBlock(n, "")}
	case *ast.FencedCodeBlock:
		return []Node{c.codeBlock(n, unescape(n.Language(c.source)))}
	case *ast.HTMLBlock:
		return c.html(n)
	case *ast.Blockquote:
		return c.quote(n, at)
	case *ast.List:
		return []Node{c.list(n, at)}
	case *extension.Table:
		return c.table(n, at)
	default: // definitions of links
		return nil
	}
}

func (c *converter) line(n ast.Node, s style) []Node {
	var l line
	c.inlines(&l, n, s)
	l.end()
	return l.nodes
}

// paragraph makes a paragraph, or none of nothing.
func paragraph(content []Node) []Node {
	if len(content) == 0 {
		return nil
	}
	return []Node{{Type: "paragraph", Content: content}}
}

func (c *converter) heading(n *ast.Heading, at place) []Node {
	if at == inside {
		return paragraph(c.line(n, style{strong: true}))
	}
	content := c.line(n, style{})
	if len(content) == 0 {
		return nil
	}
	return []Node{{Type: "heading", Attrs: &Attrs{Level: n.Level}, Content: content}}
}

func (c *converter) codeBlock(n ast.Node, language string) Node {
	block := Node{Type: "codeBlock"}
	if language != "" {
		block.Attrs = &Attrs{Language: plain(language)}
	}
	if code := strings.TrimSuffix(string(n.Lines().Value(c.source)), "\n"); code != "" {
		block.Content = []Node{{Type: "text", Text: plain(code)}}
	}
	return block
}

func (c *converter) html(n *ast.HTMLBlock) []Node {
	html := string(n.Lines().Value(c.source))
	if n.HasClosure() {
		html += string(n.ClosureLine.Value(c.source))
	}
	var l line
	l.add(strings.TrimRight(html, "\n"), style{})
	l.end()
	return paragraph(l.nodes)
}

func (c *converter) quote(n *ast.Blockquote, at place) []Node {
	content := c.blocks(n, inside)
	if at == inside || len(content) == 0 {
		return content
	}
	return []Node{{Type: "blockquote", Content: content}}
}

func (c *converter) list(n *ast.List, at place) Node {
	if at == top && isTaskList(n) {
		return c.taskList(n)
	}
	list := Node{Type: "bulletList"}
	if n.IsOrdered() {
		list.Type = "orderedList"
		if n.Start != 1 {
			list.Attrs = &Attrs{Order: &n.Start}
		}
	}
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		content := c.blocks(item, inside)
		if len(content) == 0 || content[0].Type != "paragraph" && content[0].Type != "codeBlock" {
			content = append([]Node{{Type: "paragraph"}}, content...) // an item must not begin with a list
		}
		list.Content = append(list.Content, Node{Type: "listItem", Content: content})
	}
	return list
}

// isTaskList reports whether all items are a box and a line, which is all that
// ADF's tasks can be. Others are lists of items that begin with a drawn box.
func isTaskList(n *ast.List) bool {
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		text := item.FirstChild()
		if n.IsOrdered() || text == nil || text != item.LastChild() || text.FirstChild() == nil ||
			text.FirstChild().Kind() != extension.KindTaskCheckBox {
			return false
		}
	}
	return true
}

func (c *converter) taskList(n *ast.List) Node {
	list := Node{Type: "taskList", Attrs: &Attrs{LocalID: c.taskID()}}
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		text := item.FirstChild()
		state := "TODO"
		if box, ok := text.FirstChild().(*extension.TaskCheckBox); ok && box.IsChecked {
			state = "DONE"
		}
		text.RemoveChild(text, text.FirstChild())
		list.Content = append(list.Content, Node{
			Type: "taskItem", Attrs: &Attrs{LocalID: c.taskID(), State: state}, Content: c.line(text, style{}),
		})
	}
	return list
}

// taskID returns an id that is unique in the document. Jira rejects a document whose
// tasks have none.
func (c *converter) taskID() string {
	c.tasks++
	return fmt.Sprintf("task-%d", c.tasks)
}

func (c *converter) table(n *extension.Table, at place) []Node {
	c.inCell = true
	defer func() { c.inCell = false }()
	table := Node{Type: "table"}
	var lines []Node
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		kind := "tableCell"
		if row.Kind() == extension.KindTableHeader {
			kind = "tableHeader"
		}
		r, flat := Node{Type: "tableRow"}, []Node(nil)
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			content := c.line(cell, style{})
			r.Content = append(r.Content, Node{Type: kind, Content: []Node{{Type: "paragraph", Content: content}}})
			if len(flat) > 0 {
				flat = append(flat, Node{Type: "text", Text: " | "})
			}
			flat = append(flat, content...)
		}
		table.Content = append(table.Content, r)
		lines = append(lines, paragraph(flat)...)
	}
	if at == inside {
		return lines
	}
	return []Node{table}
}
