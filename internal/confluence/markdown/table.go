package markdown

import (
	"strconv"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of tables. A markdown table has a cell at every row and column, so a
// short HTML table, of many rows under one wide row or of a few spanning cells,
// could grow to billions of cells.
const (
	maxSpan  = 100
	maxCells = 20_000
)

// setSpans keeps a cell's colspan and rowspan if they are 2 to 100.
func setSpans(cell *html.Node, t html.Token) {
	for _, name := range []string{"colspan", "rowspan"} {
		if n, err := strconv.Atoi(attribute(t, name)); err == nil && n > 1 && n <= maxSpan {
			set(cell, name, strconv.Itoa(n))
		}
	}
}

// boundTable bounds a table to maxCells: it removes the spans of its cells and, if
// that is not enough, turns the table into its text, row by row.
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

// size returns an upper bound of a table's cells in markdown. Rows: those there
// are, and those that its tallest cell spans beyond the last. Columns: the widest
// row, and those that cells spanning rows push aside.
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
