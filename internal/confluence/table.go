package confluence

import (
	"strconv"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of tables. In markdown a table has a cell wherever a row meets a
// column: many rows below one of many cells, or a few cells that span, are short
// as HTML and would be billions.
const (
	maxSpan  = 100
	maxCells = 20_000
)

// setSpans keeps a cell's colspan and rowspan where they say something.
func setSpans(cell *html.Node, t html.Token) {
	for _, name := range []string{"colspan", "rowspan"} {
		if n, err := strconv.Atoi(attribute(t, name)); err == nil && n > 1 && n <= maxSpan {
			set(cell, name, strconv.Itoa(n))
		}
	}
}

// boundTable makes a table that may have more than maxCells one whose cells do
// not span, and if that may still have more, its text, row by row.
func boundTable(table *html.Node) {
	if size(table) <= maxCells {
		return
	}
	for n := range table.Descendants() {
		if isCell(n) {
			n.Attr = nil
		}
	}
	if size(table) <= maxCells {
		return
	}
	rename(table, atom.Div)
	for n := range table.Descendants() {
		switch {
		case isCell(n):
			rename(n, atom.Span)
		case n.DataAtom == atom.Tr:
			rename(n, atom.Div)
		}
	}
}

// size is the most cells that a table may have as markdown: each of its rows,
// those included that its cells span beyond the last, as wide as the widest and
// moved aside by each cell that spans rows.
func size(table *html.Node) int {
	var rows, tallest, width, widest, aside int
	for n := range table.Descendants() {
		switch {
		case n.DataAtom == atom.Tr:
			rows++
			width = 0
		case isCell(n):
			columns, height := span(n, "colspan"), span(n, "rowspan")
			width += columns
			widest, tallest = max(widest, width), max(tallest, height)
			if height > 1 {
				aside += columns
			}
		}
	}
	return (rows + tallest) * (widest + aside)
}

func span(cell *html.Node, name string) int {
	for _, a := range cell.Attr {
		if a.Key == name {
			n, _ := strconv.Atoi(a.Val) // see setSpans
			return n
		}
	}
	return 1
}

func isCell(n *html.Node) bool { return n.DataAtom == atom.Td || n.DataAtom == atom.Th }

func rename(n *html.Node, a atom.Atom) { n.DataAtom, n.Data = a, a.String() }
