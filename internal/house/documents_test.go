package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code = regexp.MustCompile("`[^`\n]*`")
)

// brokenLinks returns the links of a page that lead to no file of the
// repository. Addresses of other sites are not tried.
func brokenLinks(page, text string, exists func(string) bool) []string {
	var broken []string
	for _, match := range link.FindAllStringSubmatch(blank(withoutBlocks(text), code), -1) {
		to, _, _ := strings.Cut(match[1], "#")
		if to == "" || strings.Contains(to, "://") {
			continue
		}
		if !exists(path.Join(path.Dir(page), to)) {
			broken = append(broken, match[1])
		}
	}
	return broken
}

func TestEveryLinkLeadsToAFile(t *testing.T) {
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(root, name))
		return err == nil
	}
	for _, page := range files(t, ".md") {
		for _, to := range brokenLinks(page, read(t, page), exists) {
			t.Errorf("%s: no file is at %s", page, to)
		}
	}
}

func TestABrokenLinkIsFound(t *testing.T) {
	exists := func(name string) bool { return name == "docs/a.md" }
	got := brokenLinks("docs/b.md", "[a](a.md#x) [up](../docs/a.md) [b](c.md) [site](https://example.com) [here](#b) `[d](d.md)`", exists)
	if !slices.Equal(got, []string{"c.md"}) {
		t.Errorf("got %q, want c.md alone", got)
	}
}

// folders are the folders that a page names in code marks, such as `local/sim`.
func folders(text string) []string {
	var found []string
	for _, match := range regexp.MustCompile("`((?:cmd|functions|internal|local|pkg)(?:/[a-z]+)+)/?`").FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

func TestEveryFolderOfTheLayoutExists(t *testing.T) {
	named := folders(read(t, "CONTRIBUTING.md"))
	if len(named) < 30 {
		t.Fatalf("found only %q", named)
	}
	for _, folder := range named {
		if info, err := os.Stat(filepath.Join(root, folder)); err != nil || !info.IsDir() {
			t.Errorf("CONTRIBUTING.md names %s, which is not a folder", folder)
		}
	}
}

func TestTheReadmeIsShort(t *testing.T) {
	if n := len(strings.Fields(read(t, "README.md"))); n > 900 {
		t.Errorf("README.md has %d words, want at most 900", n)
	}
}

// The code that pages show is compiled as a part of an example.
func TestTheCodeOfPagesCompiles(t *testing.T) {
	example := read(t, "pkg/breaker/dynamostore/example_test.go")
	for _, page := range []string{"README.md", "docs/library.md"} {
		_, rest, found := strings.Cut(read(t, page), "```go\n")
		shown, _, closed := strings.Cut(rest, "```")
		if !found || !closed {
			t.Errorf("%s has no block of Go", page)
		}
		var indented strings.Builder
		for line := range strings.Lines(shown) {
			indented.WriteString("\t" + line)
		}
		if !strings.Contains(example, indented.String()) {
			t.Errorf("pkg/breaker/dynamostore/example_test.go does not hold the code of %s:\n%s", page, shown)
		}
	}
}

var (
	glossaryRow = regexp.MustCompile(`(?m)^\| .* \| .* \| (.*) \|$`)
	span        = regexp.MustCompile("`([^`]+)`|([a-z_]+\\.go)")
)

// names returns what a repository's Go files declare, and their own names.
func names(t *testing.T) map[string]bool {
	all := map[string]bool{}
	for _, file := range files(t, ".go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		all[path.Base(file)] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), file, read(t, file), parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				all[n.Name.Name] = true
			case *ast.TypeSpec:
				all[n.Name.Name] = true
			case *ast.Field:
				for _, name := range n.Names {
					all[name.Name] = true
				}
			}
			return true
		})
	}
	return all
}

// missingNames returns the names in the last column of a glossary's tables that
// are not declared. Of "pkg.Name" and "Type.Name", the last part has to be.
func missingNames(page string, declared map[string]bool) []string {
	var missing []string
	for _, row := range glossaryRow.FindAllStringSubmatch(page, -1) {
		for _, match := range span.FindAllStringSubmatch(row[1], -1) {
			name := match[1] + match[2]
			short := name
			if !strings.HasSuffix(name, ".go") {
				short = name[strings.LastIndexAny(name, ".*")+1:]
			}
			if !declared[short] && !strings.Contains(name, "-") { // such as a problem type
				missing = append(missing, name)
			}
		}
	}
	return missing
}

func TestTheGlossarysNamesAreDeclared(t *testing.T) {
	for _, name := range missingNames(read(t, "docs/glossary.md"), names(t)) {
		t.Errorf("docs/glossary.md: %s is declared nowhere", name)
	}
}

func TestAMissingNameIsFound(t *testing.T) {
	declared := map[string]bool{"Breaker": true, "machine.go": true, "OpenError": true}
	page := "| term | meaning | in Go |\n|---|---|---|\n| a | b `x` | `breaker.Breaker`, machine.go |\n| c | d | `Record.Gone`; `*breaker.OpenError`, gone.go |\n"
	if got := missingNames(page, declared); !slices.Equal(got, []string{"Record.Gone", "gone.go"}) {
		t.Errorf("got %q, want Record.Gone and gone.go", got)
	}
}

var (
	logMessage = regexp.MustCompile(`LogAttrs\(ctx, [^,]+, (?:fmt\.Sprintf\()?"([^"%]+)`)
	metricName = regexp.MustCompile(`"Name":"(\w+)"`)
)

// unexplained returns the log messages, up to their first variable, and the
// metrics of a source that a page does not have.
func unexplained(source, page string) []string {
	var missing []string
	for _, pattern := range []*regexp.Regexp{logMessage, metricName} {
		for _, match := range pattern.FindAllStringSubmatch(source, -1) {
			if !strings.Contains(page, "`"+match[1]) && !slices.Contains(missing, match[1]) {
				missing = append(missing, match[1])
			}
		}
	}
	return missing
}

func TestEveryLogMessageAndMetricIsExplained(t *testing.T) {
	var source strings.Builder
	for _, file := range files(t, ".go") {
		if strings.HasPrefix(file, "internal/telemetry/") && !strings.HasSuffix(file, "_test.go") {
			source.WriteString(read(t, file))
		}
	}
	if n := len(logMessage.FindAllString(source.String(), -1)); n < 8 {
		t.Errorf("only %d log messages: the pattern misses them", n)
	}
	for _, name := range unexplained(source.String(), read(t, "docs/metrics-and-logs.md")) {
		t.Errorf("docs/metrics-and-logs.md does not explain %q", name)
	}
}

func TestAnUnexplainedMessageIsFound(t *testing.T) {
	source := "logger.LogAttrs(ctx, slog.LevelInfo, \"One\")\nlogger.LogAttrs(ctx, level, fmt.Sprintf(\"Two '%s'\", x))\n\"Name\":\"Three\""
	if got := unexplained(source, "`One`"); !slices.Equal(got, []string{"Two '", "Three"}) {
		t.Errorf("got %q, want Two ' and Three", got)
	}
}

// decision is the head of a page in docs/decisions.
type decision struct {
	number, title, date, status string
}

var decisionHead = regexp.MustCompile(`^# (\d{3}) (.+)\n\nDate: (\d{4}-\d{2}-\d{2}) · Status: (accepted|superseded by \[\d{3}\]\([^)]+\))\n\n\*\*Decision\.\*\* `)

// parseDecision returns the head of a page, or an error if the page does not
// have the form of a decision.
func parseDecision(name, text string) (decision, error) {
	match := decisionHead.FindStringSubmatch(text)
	switch {
	case match == nil:
		return decision{}, fmt.Errorf("%s: want a title with the number, a line with date and status, and the decision", name)
	case !strings.HasPrefix(name, match[1]+"-"):
		return decision{}, fmt.Errorf("%s: has the number %s", name, match[1])
	case !strings.Contains(text, "\n**Why.** "):
		return decision{}, fmt.Errorf("%s: does not say why", name)
	}
	return decision{match[1], match[2], match[3], match[4]}, nil
}

func TestEveryDecisionIsInTheIndex(t *testing.T) {
	index := read(t, "docs/decisions/README.md")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "decisions", "[0-9]*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range pages {
		base := filepath.Base(name)
		d, err := parseDecision(base, read(t, "docs/decisions/"+base))
		if err != nil {
			t.Error(err)
			continue
		}
		if want := fmt.Sprintf("%03d", i+1); d.number != want {
			t.Errorf("%s: want number %s", base, want)
		}
		if row := fmt.Sprintf("\n| %s | [%s](%s) | %s | %s | ", d.number, d.title, base, d.date, d.status); !strings.Contains(index, row) {
			t.Errorf("docs/decisions/README.md: no row begins with %s", strings.TrimSpace(row))
		}
	}
	if rows := strings.Count(index, "\n| 0"); rows != len(pages) {
		t.Errorf("docs/decisions/README.md has %d rows for %d pages", rows, len(pages))
	}
}

func TestADecisionWithoutItsPartsIsFound(t *testing.T) {
	const good = "# 003 Pruning\n\nDate: 2026-11-24 · Status: accepted\n\n**Decision.** Prune.\n\n**Why.** Room.\n"
	for name, c := range map[string]struct{ file, text, want string }{
		"a decision":       {"003-pruning.md", good, ""},
		"another number":   {"004-pruning.md", good, "has the number 003"},
		"no date":          {"003-pruning.md", strings.Replace(good, "Date: 2026-11-24 · ", "", 1), "want a title"},
		"no reason":        {"003-pruning.md", strings.Replace(good, "Why", "Also", 1), "does not say why"},
		"an unknown state": {"003-pruning.md", strings.Replace(good, "accepted", "old", 1), "want a title"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseDecision(c.file, c.text)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
