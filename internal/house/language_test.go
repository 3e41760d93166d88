// Package house holds tests of the repository as a whole: its language, the
// directions of its imports, and its documents.
package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wording is a phrase that comments and documents do not use.
type wording struct {
	phrase  *regexp.Regexp
	except  *regexp.Regexp // nil: nothing
	instead string
}

func phrase(pattern, instead string) wording {
	return wording{phrase: words(pattern), instead: instead}
}

// words compiles a pattern of whole words. A space matches a line break too.
func words(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:` + strings.ReplaceAll(pattern, " ", `\s+`) + `)\b`)
}

// wordings is the part of the house's language that a program can check. The
// rest is in CONTRIBUTING.md, and the words themselves in docs/glossary.md.
var wordings = append(slices.Clone(phrases), wording{
	phrase:  words(`refus(e|es|ed|al|als|ing)`),
	except:  words(`(connections? (is |are |was |were )?refused|refus(e|es|ed|ing) (new |all |every |any |tcp )?connections?|upstream-refused|refused stream)`),
	instead: `"rejected" (credentials, calls), "condition failed" or "conflict" (writes), "invalid" (requests)`,
})

// phrases are not used in strings either, such as errors, log lines and the
// names of tests. Strings may say "refused", which is a word of protocols.
var phrases = []wording{
	phrase(`tells? (whether|if)`, `"reports whether"`),
	phrase(`lest`, `"so that … not"`),
	phrase(`be it`, `"even if"`),
	phrase(`of which`, `a sentence of its own, or "whose"`),
	{words(`is none`), words(`there is none`), `"there is no …", "is not a …"`},
	phrase(`what (becomes|became|has become|becoming) of`, `"the outcome of"`),
	phrase(`beside`, `"in the background of", "next to" or "in addition to"`),
	{words(`may not`), words(`may or may not`), `"must not" or "might not"`},
	phrase(`, for (it|they|he|she|there|nobody|nothing|these|those) (is|are|was|were|has|have|had|can|cannot|could|must|may|might|would|will|does|do)`, `"because" or "since"`),
	phrase(`store (is|was|that is|may be|has been) away`, `"the store is unavailable"`),
	phrase(`whilst|henceforth|hitherto|whereof|thereof|nought|naught`, `a common word`),
}

// docWordings are the phrases that the doc comment of a function does not use.
var docWordings = []wording{
	{words(`gives`), words(`gives (up|back|way|in)`), `"returns"`},
	{regexp.MustCompile(`^\S+\s+tells\b`), nil, `"reports"`},
}

// nameWordings are the beginnings that no doc comment has.
var nameWordings = []wording{
	{regexp.MustCompile(`^\S+\s+gives\b`), nil, `"returns"`},
	{regexp.MustCompile(`^\S+\s+tells\b`), nil, `"reports"`},
}

// finding is a place where the language is not kept.
type finding struct {
	line    int
	found   string
	instead string
}

func (f finding) String() string { return fmt.Sprintf("%d: %q: write %s", f.line, f.found, f.instead) }

// search returns the wordings that a text uses. The text begins in line first.
func search(text string, first int, list []wording) []finding {
	var found []finding
	for _, w := range list {
		for _, at := range w.phrase.FindAllStringIndex(text, -1) {
			if w.except != nil && w.excepted(text, at) {
				continue
			}
			line := first + strings.Count(text[:at[0]], "\n")
			words := strings.Join(strings.Fields(text[at[0]:at[1]]), " ")
			found = append(found, finding{line, words, w.instead})
		}
	}
	slices.SortFunc(found, func(a, b finding) int { return a.line - b.line })
	return found
}

// excepted reports whether a phrase is part of an exception.
func (w wording) excepted(text string, at []int) bool {
	return slices.ContainsFunc(w.except.FindAllStringIndex(text, -1), func(e []int) bool {
		return e[0] <= at[0] && at[1] <= e[1]
	})
}

var (
	quoted = regexp.MustCompile("\"[^\"\n]*\"|`[^`\n]*`|“[^”\n]*”")
	target = regexp.MustCompile(`\]\([^)\n]*\)`)
)

// blank replaces what a pattern matches by as many lines, so that numbers of
// lines stay right.
func blank(text string, pattern *regexp.Regexp) string {
	return pattern.ReplaceAllStringFunc(text, func(s string) string {
		return "\x00" + strings.Repeat("\n", strings.Count(s, "\n")) + "\x00"
	})
}

// checkMarkdown returns the findings in the prose of a page. Code, quotations
// and the targets of links are left out, and so is the glossary's own list of
// words that are not used.
func checkMarkdown(text string) []finding {
	text, _, _ = strings.Cut(text, "\n## Words not used\n")
	return search(blank(blank(withoutBlocks(text), quoted), target), 1, wordings)
}

// withoutBlocks returns a page with its fenced blocks emptied.
func withoutBlocks(text string) string {
	var prose strings.Builder
	fenced := false
	for line := range strings.Lines(text) {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence {
			fenced = !fenced
		}
		if fence || fenced {
			line = "\n"
		}
		prose.WriteString(line)
	}
	return prose.String()
}

// checkGo returns the findings in the comments of a Go file.
func checkGo(name string, source any) ([]finding, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, group := range file.Comments {
		found = append(found, search(commentText(group), files.Position(group.Pos()).Line, wordings)...)
	}
	found = append(found, checkDocs(files, file)...)
	test := strings.HasSuffix(name, "_test.go")
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			first := files.Position(d.Pos()).Line
			if d.Doc != nil {
				first = files.Position(d.Doc.Pos()).Line
				found = append(found, search(commentText(d.Doc), first, docWordings)...)
				found = append(found, checkReturns(d, first)...)
			}
			if !test && d.Name.IsExported() && !startsWith(d.Doc, d.Name.Name) {
				found = append(found, finding{first, "func " + d.Name.Name, "a doc comment that starts with its name"})
			}
		case *ast.GenDecl:
			if !test && d.Tok == token.TYPE {
				found = append(found, checkTypes(files, d)...)
			}
		}
	}
	return found, nil
}

// checkReturns returns a finding if a function without results is said to return
// or to report something.
func checkReturns(d *ast.FuncDecl, line int) []finding {
	name := d.Name.Name
	for _, verb := range []string{"returns", "reports whether"} {
		if d.Type.Results == nil && strings.HasPrefix(d.Doc.Text(), name+" "+verb+" ") {
			return []finding{{line, name + " " + verb, "what it does: it has no result"}}
		}
	}
	return nil
}

// checkDocs returns the findings in the doc comments of types, fields, variables
// and constants.
func checkDocs(files *token.FileSet, file *ast.File) []finding {
	var found []finding
	ast.Inspect(file, func(n ast.Node) bool {
		var doc *ast.CommentGroup
		switch n := n.(type) {
		case *ast.GenDecl:
			doc = n.Doc
		case *ast.TypeSpec:
			doc = n.Doc
		case *ast.ValueSpec:
			doc = n.Doc
		case *ast.Field:
			doc = n.Doc
		}
		if doc != nil {
			found = append(found, search(commentText(doc), files.Position(doc.Pos()).Line, nameWordings)...)
		}
		return true
	})
	return found
}

// checkStrings returns the findings in the strings of a Go file.
func checkStrings(name string, source any) ([]finding, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []finding
	ast.Inspect(file, func(n ast.Node) bool {
		if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
			found = append(found, search(text.Value, files.Position(text.Pos()).Line, phrases)...)
		}
		return true
	})
	return found, nil
}

// checkNotes returns the findings in the comments of a file that begins them
// with #, or in all of a YAML file, whose values are descriptions.
func checkNotes(name, text string) []finding {
	if filepath.Ext(name) != ".yaml" {
		text = beforeNote.ReplaceAllString(text, "")
	}
	return search(blank(text, quoted), 1, wordings)
}

// beforeNote is what precedes a comment in a line, or a line without one.
var beforeNote = regexp.MustCompile(`(?m)^[^#\n]*(#|$)`)

// checkTypes returns the exported types of a declaration whose doc comments do
// not start with their names.
func checkTypes(files *token.FileSet, d *ast.GenDecl) []finding {
	var found []finding
	for _, s := range d.Specs {
		s := s.(*ast.TypeSpec)
		doc := s.Doc
		if !d.Lparen.IsValid() {
			doc = d.Doc
		}
		if s.Name.IsExported() && doc != nil && !startsWith(doc, s.Name.Name) {
			found = append(found, finding{files.Position(doc.Pos()).Line, "type " + s.Name.Name, "a doc comment that starts with its name"})
		}
	}
	return found
}

// startsWith reports whether a doc comment starts with a name, or has none:
// whether a comment is needed is staticcheck's to say.
func startsWith(doc *ast.CommentGroup, name string) bool {
	if doc == nil {
		return true
	}
	text := strings.TrimLeft(doc.Text(), "\n")
	for _, article := range []string{"A ", "An ", "The "} {
		text = strings.TrimPrefix(text, article)
	}
	rest, found := strings.CutPrefix(text, name)
	return found && (rest == "" || !isLetter(rest[0])) || text == ""
}

func isLetter(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

// commentText returns a comment without its markers and quotations, line by
// line. The expected output of an example is left out.
func commentText(group *ast.CommentGroup) string {
	var text strings.Builder
	for _, c := range group.List {
		line := strings.TrimPrefix(strings.TrimPrefix(c.Text, "//"), " ")
		if strings.HasPrefix(line, "Output:") || strings.HasPrefix(line, "Unordered output:") {
			break
		}
		if strings.HasPrefix(c.Text, "//go:") || strings.HasPrefix(line, "\t") { // a directive, code
			line = ""
		}
		text.WriteString(line + "\n")
	}
	return blank(text.String(), quoted)
}

func TestTheLanguageIsKept(t *testing.T) {
	for _, path := range files(t, ".go", ".md") {
		var found []finding
		text, err := read(t, path), error(nil)
		if strings.HasSuffix(path, ".md") {
			found = checkMarkdown(text)
		} else if found, err = checkGo(path, text); err != nil {
			t.Error(err)
		}
		for _, f := range found {
			t.Errorf("%s:%s", path, f)
		}
	}
}

// The descriptions of Atlassian's API are Atlassian's words.
func TestTheLanguageOfOtherFilesIsKept(t *testing.T) {
	for _, path := range files(t, ".yaml", ".toml", ".sh", ".py") {
		if strings.HasPrefix(path, "local/proof/contract/") {
			continue
		}
		for _, f := range checkNotes(path, read(t, path)) {
			t.Errorf("%s:%s", path, f)
		}
	}
}

// This package's own strings are the rules.
func TestTheLanguageOfStringsIsKept(t *testing.T) {
	for _, path := range files(t, ".go") {
		if strings.HasPrefix(path, "internal/house/") {
			continue
		}
		found, err := checkStrings(path, read(t, path))
		if err != nil {
			t.Error(err)
		}
		for _, f := range found {
			t.Errorf("%s:%s", path, f)
		}
	}
}

func TestTheCheckerFindsWhatIsNotKept(t *testing.T) {
	const header = "package p\n\n"
	for name, c := range map[string]struct {
		source string
		want   string // findings as "line found", joined by "; "
	}{
		"a function that gives":                  {header + "// F gives one.\nfunc F() int { return 1 }", "3 gives"},
		"a later sentence that gives":            {header + "// f counts. It\n// gives one.\nfunc f() int { return 1 }", "4 gives"},
		"giving up and back is allowed":          {header + "// f gives up.\nfunc f() {}\n\n// g gives back the slot.\nfunc g() {}", ""},
		"a function that returns nothing":        {header + "// F returns one.\nfunc F() {}", "3 F returns"},
		"a function that returns an error":       {header + "// F returns no error.\nfunc F() error { return nil }", ""},
		"a type that gives":                      {header + "// T gives one.\ntype T func() int", "3 T gives"},
		"a field that tells":                     {header + "type T struct {\n\t// F tells it.\n\tF func() bool\n}", "4 F tells"},
		"what Jira gives is allowed":             {header + "// T is what Jira gives.\ntype T int", ""},
		"a function that tells whether":          {header + "// f tells whether x.\nfunc f() bool { return true }", "3 f tells; 3 tells whether"},
		"a phrase across lines":                  {header + "// f must not wait, for there\n// is no time. It may\n// not.\nfunc f() {}", "3 , for there is; 4 may not"},
		"what becomes of something":              {header + "// what became of the create\nvar x = 1", "3 what became of"},
		"nothing where there is none":            {header + "// nil if there is none\nvar x = 1", ""},
		"a date that is none":                    {header + "// a date that is none\nvar x = 1", "3 is none"},
		"what may or may not be":                 {header + "// It may or may not have been executed.\nvar x = 1", ""},
		"a comment within a function":            {header + "func f() {\n\t// lest it fail\n}", "4 lest"},
		"beside, but not besides":                {header + "// beside that, and besides\nvar x = 1", "3 beside"},
		"a store that is away":                   {header + "// While the store is away, calls are decided locally.\nvar x = 1", "3 store is away"},
		"refused":                                {header + "// refused credentials, a refusal\nvar x = 1", "3 refusal; 3 refused"},
		"TCP refuses connections":                {header + "// A port that refuses connections answers connection refused.\nvar x = 1", ""},
		"a quoted word":                          {header + "// the mode \"refuse\" and \x60lest\x60\nvar x = 1", ""},
		"code in a comment":                      {header + "// Use it so:\n//\n//\trefused := f()\nvar x = 1", ""},
		"the output of an example":               {header + "func f() {\n\t// Output: refused\n}", ""},
		"a directive":                            {header + "//go:generate refused\nvar x = 1", ""},
		"a string is not a comment":              {header + "var x = \"lest // lest\"", ""},
		"an exported function with another name": {header + "// G does it.\nfunc F() {}", "3 func F"},
		"an exported type with another name":     {header + "// Such a T.\ntype T int", "3 type T"},
		"an exported type in a group":            {header + "type (\n\t// U is one.\n\tT int\n)", "4 type T"},
		"an article before a name":               {header + "// A T is one.\ntype T int\n\n// The F does it.\nfunc F() {}", ""},
		"a name that only begins so":             {header + "// Fs are many.\nfunc F() {}", "3 func F"},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := checkGo("p.go", c.source)
			if got := list(found); err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestTheCheckerReadsMarkdown(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"prose":                   {"# A\n\nIt is none.\n", "3 is none"},
		"a table":                 {"| a | of which |\n", "1 of which"},
		"a fenced block":          {"```sh\nlest\n```\nlest\n", "4 lest"},
		"a code span":             {"`refused`, \"refused\" and upstream-refused\n", ""},
		"the target of a link":    {"[a page](may not be refused.md)\n", ""},
		"the text of a link":      {"[refused](a.md)\n", "1 refused"},
		"the glossary's own list": {"lest\n\n## Words not used\n\nlest\n", "1 lest"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := list(checkMarkdown(c.source)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheCheckerReadsStringsAndNotes(t *testing.T) {
	found, err := checkStrings("p.go", "package p\n\n// lest\nvar x = \"a flag that is none\" + `may\nnot` + \"refused\"")
	if got := list(found); err != nil || got != "4 is none; 4 may not" {
		t.Errorf("strings: got %q, %v", got, err)
	}
	for name, want := range map[string]string{
		"a.yaml": "1 refuses; 2 lest; 3 beside",
		"a.sh":   "2 lest; 3 beside",
	} {
		if got := list(checkNotes(name, "Description: refuses\n# lest\na: b # beside\nlast: \"lest\"\n")); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// list writes findings as the tests above do.
func list(found []finding) string {
	var all []string
	for _, f := range found {
		all = append(all, fmt.Sprintf("%d %s", f.line, f.found))
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}
