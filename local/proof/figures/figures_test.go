package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const page = `# Page

<!-- figures: one -->
old
<!-- end -->
prose | with a bar
<!-- figures: two -->
<!-- end -->
the end`

func TestReplace(t *testing.T) {
	for rule, c := range map[string]struct{ page, block, want, err string }{
		"only what stands in the block is replaced":      {page, "one", strings.Replace(page, "old\n", "new\n", 1), ""},
		"an empty block is filled":                       {page, "two", strings.Replace(page, "two -->\n", "two -->\nnew\n", 1), ""},
		"an unknown block is an error":                   {page, "three", "", `no block "three"`},
		"a part of a name does not match":                {page, "o", "", `no block "o"`},
		"a block without an end is an error":             {"<!-- figures: one -->\nold\n", "one", "", "no end"},
		"the end of the next block does not end a block": {"<!-- figures: one -->\n<!-- figures: two -->\n<!-- end -->\n", "one", "", "no end"},
		"a block that is there twice is an error":        {page + "\n" + page, "one", "", "twice"},
	} {
		got, err := replace(c.page, c.block, "new\n")
		if got != c.want || !says(err, c.err) {
			t.Errorf("%s: %q, %v", rule, got, err)
		}
	}
}

// says reports whether an error has a text, or is nil if there is no text.
func says(err error, text string) bool {
	if err == nil || text == "" {
		return err == nil && text == ""
	}
	return strings.Contains(err.Error(), text)
}

func TestTable(t *testing.T) {
	for rule, c := range map[string]struct {
		passed  string
		written []string
		want    string
	}{
		"rows are the lines that begin with a bar": {"", []string{"=== RUN\n| a | b |\n|---|---|\nno | row\n| 1 | 2 |\n"}, "| a | b |\n|---|---|\n| 1 | 2 |\n"},
		"a row may come in pieces":                 {"", []string{"| 1 ", "|", "\n| 2 |\n"}, "| 1 |\n| 2 |\n"},
		"the last row need not be a whole line":    {"", []string{"| 1 |\n| 2 |"}, "| 1 |\n| 2 |\n"},
		"without a row there is no table":          {"", []string{"ok  \ta/b\t1.2s\n"}, ""},
		"packages that passed are rows, if asked":  {"passed", []string{"ok  \ta/b\t1.2s\nFAIL\ta/c\t3s\n?   \ta/d\t[no test files]\n"}, "| passed | seconds |\n|---|---|\n| `a/b` | 1.2 |\n"},
		"a result of the cache has no time":        {"passed", []string{"ok  \ta/b\t(cached)\n"}, ""},
	} {
		table := tableOf(c.passed)
		for _, p := range c.written {
			io.WriteString(table, p)
		}
		if got, err := table.text(); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", rule, got, err)
		}
	}
}

// newRun returns a run in a new root, with the page in it.
func newRun(t *testing.T, block string, out io.Writer) run {
	t.Helper()
	r := run{block: block, by: "make it", with: "Store 1", root: t.TempDir(), out: out}
	r.page = filepath.Join(r.root, "page.md")
	if err := os.WriteFile(r.page, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRun(t *testing.T) {
	const origin = `Written by .make it. on \d{4}-\d\d-\d\d, \w+/\w+, \d+ CPUs, go\S+, Store 1, in \d+ s\.`
	written := regexp.MustCompile(`^# Page\n\n<!-- figures: one -->\n` + origin + `\n\n\| 1 \|\n<!-- end -->\nprose`)
	unchanged := regexp.MustCompile("^" + regexp.QuoteMeta(page) + "$")
	for rule, c := range map[string]struct {
		block, script, out, err string
		page                    *regexp.Regexp
	}{
		"a command's table is written, its output passed on": {"one", "echo said; echo '| 1 |'", "said\n| 1 |\n", "", written},
		"of a command that fails nothing is written":         {"one", "echo '| 1 |'; exit 3", "| 1 |\n", "exit status 3", unchanged},
		"of a command without a table nothing is written":    {"one", "echo said", "said\n", "no line of a table", unchanged},
		"a command is not run for a block that is not there": {"three", "echo said", "", `no block "three"`, unchanged},
		"a line on standard error is not a row":              {"one", "echo '| 1 |' >&2", "", "no line of a table", unchanged},
	} {
		var out strings.Builder
		r := newRun(t, c.block, &out)
		err := r.run([]string{"sh", "-c", c.script})
		got, readErr := os.ReadFile(r.page)
		if !says(err, c.err) || readErr != nil || out.String() != c.out || !c.page.Match(got) {
			t.Errorf("%s: %v, printed %q, page %q (%v)", rule, err, out.String(), got, readErr)
		}
		if left, _ := filepath.Glob(filepath.Join(r.root, ".figures-*")); len(left) > 0 {
			t.Errorf("%s: %v is left", rule, left)
		}
	}
}

func TestTheCommandRunsInTheRoot(t *testing.T) {
	var out strings.Builder
	if err := newRun(t, "one", &out).run([]string{"sh", "-c", "echo '|'; ls"}); err != nil || !strings.Contains(out.String(), "page.md") {
		t.Errorf("%v, %q", err, out.String())
	}
}

func TestExitCodeIsTheCommands(t *testing.T) {
	for rule, c := range map[string]struct {
		script string
		want   int
	}{
		"its code is passed on":        {"exit 3", 3},
		"one that is killed has 1":     {"kill -9 $$", 1},
		"one that prints no table has": {"true", 1},
	} {
		if got := exitCode(newRun(t, "one", io.Discard).run([]string{"sh", "-c", c.script})); got != c.want {
			t.Errorf("%s: %d, want %d", rule, got, c.want)
		}
	}
	if exitCode(errors.New("no command")) != 1 {
		t.Error("an error of figures itself is 1")
	}
}

func TestOrigin(t *testing.T) {
	got := run{by: "make it"}.origin(time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC), 1500*time.Millisecond)
	if !regexp.MustCompile("^Written by `make it` on 2026-11-24, .*, go[^,]*, in 2 s\\.$").MatchString(got) {
		t.Error(got)
	}
}
