package adf

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// author writes random markdown of words that are numbered as they are seen.
type author struct {
	*rand.Rand
	words int
}

func (a *author) word() string {
	a.words++
	return fmt.Sprintf("w%d.", a.words)
}

func (a *author) phrase(depth int) string {
	var parts []string
	for range 1 + a.IntN(3) {
		parts = append(parts, a.inline(depth))
	}
	return strings.Join(parts, " ")
}

func (a *author) inline(depth int) string {
	if depth > 2 {
		return a.word()
	}
	switch a.IntN(14) {
	case 0:
		return "*" + a.phrase(depth+1) + "*"
	case 1:
		return "**" + a.phrase(depth+1) + "**"
	case 2:
		return "~~" + a.word() + "~~"
	case 3:
		return "`" + a.word() + "`"
	case 4:
		return "[" + a.phrase(depth+1) + "](http://x.org/y \"t\")"
	case 5:
		return "[" + a.word() + "](javascript:x)"
	case 6:
		return "![" + a.word() + "](http://x.org/y.png)"
	case 7:
		return "<b>" + a.word() + "</b>"
	case 8:
		return "https://x.org/" + a.word()
	case 9:
		return a.word() + " &lt;\\*"
	default:
		return a.word()
	}
}

// blocks returns lines.
func (a *author) blocks(depth int) []string {
	var lines []string
	for range 1 + a.IntN(3) {
		lines = append(append(lines, a.block(depth)...), "")
	}
	return lines
}

func (a *author) block(depth int) []string {
	kinds := 8
	if depth < 4 {
		kinds = 12
	}
	switch a.IntN(kinds) {
	case 0:
		return []string{strings.Repeat("#", 1+a.IntN(6)) + " " + a.phrase(0)}
	case 1:
		return []string{"```go", a.word(), "", a.word(), "```"}
	case 2:
		return []string{"<div>" + a.word(), a.word() + "</div>"}
	case 3:
		cell := func() string { return strings.ReplaceAll(a.phrase(1), "|", "") }
		return []string{"| " + cell() + " | " + cell() + " |", "|---|---|", "| " + cell() + " | " + cell() + " |", "| " + cell() + " |"}
	case 4:
		return []string{"- [ ] " + a.phrase(0), "- [x] " + a.phrase(0)}
	case 5, 6, 7:
		return []string{a.phrase(0), a.phrase(0)}
	case 8:
		return prefixed("> ", "> ", a.blocks(depth+1))
	case 9:
		return prefixed("3. ", "   ", a.blocks(depth+1))
	default:
		return append(prefixed("- ", "  ", a.blocks(depth+1)), prefixed("- ", "  ", a.blocks(depth+1))...)
	}
}

func prefixed(first, others string, lines []string) []string {
	var out []string
	for i, l := range lines {
		if i == 0 {
			out = append(out, first+l)
		} else {
			out = append(out, others+l)
		}
	}
	return out
}

func TestAllTextIsKeptInOrder(t *testing.T) {
	for seed := range uint64(1000) {
		a := &author{Rand: rand.New(rand.NewPCG(seed, 1))}
		markdown := strings.Join(a.blocks(0), "\n")
		d := FromMarkdown(markdown)
		judge(t, d)
		text := allText(d.Content)
		for n := range a.words {
			word := fmt.Sprintf("w%d.", n+1)
			_, after, ok := strings.Cut(text, word)
			if !ok {
				t.Fatalf("seed %d: %s is missing or out of order\n%s\n\n%s", seed, word, markdown, allText(d.Content))
			}
			text = after
		}
	}
}

func allText(nodes []Node) string {
	var b strings.Builder
	for _, n := range nodes {
		b.WriteString(n.Text + allText(n.Content))
	}
	return b.String()
}

// goldmark's own extensions are the model of ours, but for a row's end of an
// escaped pipe, which is text to GitHub, and of two pipes, which are a cell.
func TestTablesStrikethroughAndTasksAreGoldmarks(t *testing.T) {
	theirs := func(source []byte) ast.Node {
		return parser.NewParser(
			parser.WithBlockParsers(parser.DefaultBlockParsers()...),
			parser.WithInlineParsers(parser.DefaultInlineParsers()...),
			parser.WithInlineParsers(
				util.Prioritized(extension.NewTaskCheckBoxParser(), 0),
				util.Prioritized(extension.NewStrikethroughParser(), 500),
				util.Prioritized(bareLink{}, 999),
			),
			parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
			parser.WithParagraphTransformers(util.Prioritized(extension.NewTableParagraphTransformer(), 200)),
			parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
		).Parse(text.NewReader(source))
	}
	pieces := []string{
		"|", "|", "| ", " |", "---", ":-:", "|---|---|\n", "|-|\n", "a|b\n", "\n", "\n", "\n\n", "- [ ] ", "- [x] ", "[X] ", "1. ", "> ",
		"a", "b ", "*", "~", "~~", "~~~", "`", `\|`, `\`, " ", "(", ".", "_", "[", "](http://x.org)", "<b>", "&amp;",
	}
	pipes, rowEnd := regexp.MustCompile(`\|([ \t]*\|)+`), regexp.MustCompile(`(\\+\|[ \t]*)+\n`)
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var b strings.Builder
		for range 2 + r.IntN(14) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		source := rowEnd.ReplaceAllString(pipes.ReplaceAllString(b.String()+"\n", "|"), "\n")
		ours := &converter{source: []byte(source)}
		model := &converter{source: []byte(source)}
		got, want := sketches(ours.blocks(parse(ours.source), top)), sketches(model.blocks(theirs(model.source), top))
		if got != want {
			t.Fatalf("%q\n got %s\nwant %s", source, got, want)
		}
	}
}

// Containers in containers, what opens and never closes, and many small things:
// each at full length is done in moments, and no document is deeper than
// maxDepth allows.
func TestHostileMarkdownIsBounded(t *testing.T) {
	for rule, part := range map[string]string{
		"quotes in quotes": "> ", "lists in lists": "- ", "both": "> 1. - ", "brackets": "[", "images": "![", "stars": "*a ", "underscores": "a_b_ ",
		"tildes": "~a ", "addresses": "http://a( ", "ampersands": "&", "pipes": "|", "rows": "|-|\n", "items": "-\n", "tags": "<a ", "comments": "<!--",
		"declarations": "<!A", "ticks": "`a``", "tasks": "- [ ] a\n", "definitions": "[a]: b\n", "headings": "# a\n", "line ends": "\n", "lazy lines": "> a\nb\n",
	} {
		t.Run(rule, func(t *testing.T) {
			began := time.Now()
			d := FromMarkdown(strings.Repeat(part, MaxLength/len(part)))
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			judge(t, d)
		})
	}
}

func TestAWideTableIsNotFilledUpForever(t *testing.T) {
	const columns = 1000
	table := strings.Repeat("|a", columns) + "\n" + strings.Repeat("|-", columns) + "\n"
	for rule, c := range map[string]struct {
		rows int
		want string
	}{
		"a table of the most cells":   {maxCells/columns - 1, "table"},
		"one row more leaves it text": {maxCells / columns, "paragraph"},
	} {
		t.Run(rule, func(t *testing.T) {
			d := FromMarkdown(table + strings.Repeat("|b\n", c.rows))
			if len(d.Content) != 1 || d.Content[0].Type != c.want {
				t.Errorf("got %s and %d nodes", d.Content[0].Type, len(d.Content))
			}
		})
	}
}

// Every document is valid, and not out of proportion to the markdown.
func FuzzFromMarkdown(f *testing.F) {
	for seed := range uint64(20) {
		a := &author{Rand: rand.New(rand.NewPCG(seed, 3))}
		f.Add(strings.Join(a.block(3), "\n"))
	}
	f.Add("- > 1. | a | b |\n     |---|---|\n\t\tc\n[x]: <y> 'z'\n![*a*][x]\\&#0;&#xd800;\x00")
	f.Fuzz(func(t *testing.T, markdown string) {
		if len(markdown) > MaxLength {
			return
		}
		d := FromMarkdown(markdown)
		judge(t, d)
		if size := len(encoded(t, markdown)); size > 100*len(markdown)+60*maxCells {
			t.Errorf("%d bytes made %d", len(markdown), size)
		}
	})
}
