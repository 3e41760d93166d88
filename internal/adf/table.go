package adf

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	extension "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// maxCells is the most cells of a table. Rows are filled up to the width of the
// first, so that few bytes can make many cells; what is larger stays text.
const maxCells = 5000

// tables turns paragraphs that hold a table into it: a row, a line of dashes
// with as many columns, and any number of rows.
type tables struct{}

func (tables) Transform(paragraph *ast.Paragraph, reader text.Reader, _ parser.Context) {
	lines, source := paragraph.Lines(), reader.Source()
	for i := 1; i < lines.Len(); i++ {
		below := lines.At(i)
		columns := dashes(below.Value(source))
		if columns == 0 {
			continue
		}
		header := cells(lines.At(i-1), source)
		if len(header) > columns || columns*(lines.Len()-i) > maxCells {
			return
		}
		table := extension.NewTable()
		table.AppendChild(table, extension.NewTableHeader(row(header, columns)))
		for j := i + 1; j < lines.Len(); j++ {
			table.AppendChild(table, row(cells(lines.At(j), source), columns))
		}
		paragraph.Parent().InsertAfter(paragraph.Parent(), paragraph, table)
		leave(paragraph, i-1, source)
		return
	}
}

// leave keeps the first lines of a paragraph, if there are any.
func leave(paragraph *ast.Paragraph, n int, source []byte) {
	if n == 0 {
		paragraph.Parent().RemoveChild(paragraph.Parent(), paragraph)
		return
	}
	lines := paragraph.Lines()
	lines.SetSliced(0, n)
	last := lines.At(n - 1)
	lines.Set(n-1, last.TrimRightSpace(source))
}

// dashes counts the columns of the line below a table's header, 0 if the line
// is no such line.
func dashes(line []byte) int {
	columns := bytes.Split(inner(bytes.TrimSpace(line)), []byte{'|'})
	for _, c := range columns {
		c = bytes.TrimSpace(c)
		c = bytes.TrimSuffix(bytes.TrimPrefix(c, []byte{':'}), []byte{':'})
		if len(c) == 0 || len(bytes.Trim(c, "-")) > 0 {
			return 0
		}
	}
	return len(columns)
}

// inner is a row without the pipes at its ends.
func inner(row []byte) []byte {
	row = bytes.TrimPrefix(row, []byte{'|'})
	if n := len(row); n > 0 && row[n-1] == '|' && (n == 1 || row[n-2] != '\\') {
		row = row[:n-1]
	}
	return row
}

// cells divides a line at its pipes. A pipe behind a backslash is text.
func cells(line text.Segment, source []byte) []text.Segment {
	line = trim(line, source)
	value := line.Value(source)
	content := inner(value)
	start := line.Start
	if len(value) > 0 && value[0] == '|' {
		start++
	}
	var segments []text.Segment
	begin := 0
	for i := range len(content) + 1 {
		if i < len(content) && (content[i] != '|' || i > 0 && content[i-1] == '\\') {
			continue
		}
		cell := text.NewSegment(start+begin, start+i)
		segments = append(segments, trim(cell, source))
		begin = i + 1
	}
	return segments
}

func trim(s text.Segment, source []byte) text.Segment {
	s = s.TrimLeftSpace(source)
	return s.TrimRightSpace(source)
}

// row makes a row of exactly so many columns.
func row(cells []text.Segment, columns int) *extension.TableRow {
	r := extension.NewTableRow(nil)
	for i := range columns {
		cell := extension.NewTableCell()
		if i < len(cells) && !cells[i].IsEmpty() {
			cell.Lines().Append(cells[i])
		}
		r.AppendChild(r, cell)
	}
	return r
}
