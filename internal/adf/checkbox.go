package adf

import (
	"github.com/yuin/goldmark/ast"
	extension "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// checkbox parses the "[ ]" or "[x]" that a list item begins with. It goes
// before the parser of links.
type checkbox struct{}

func (checkbox) Trigger() []byte { return []byte{'['} }

func (checkbox) Parse(parent ast.Node, block text.Reader, _ parser.Context) ast.Node {
	item, ok := parent.Parent().(*ast.ListItem)
	if !ok || item.FirstChild() != parent || parent.HasChildren() {
		return nil
	}
	line, _ := block.PeekLine()
	if len(line) < 3 || line[2] != ']' || len(line) > 3 && !util.IsSpace(line[3]) {
		return nil
	}
	state := line[1]
	if state != ' ' && state != 'x' && state != 'X' {
		return nil
	}
	block.Advance(3 + util.TrimLeftSpaceLength(line[3:]))
	return extension.NewTaskCheckBox(state != ' ')
}
