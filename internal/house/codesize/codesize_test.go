package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes a small repository and returns its directory.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                      "module m\n\ngo 1.26\n\nrequire one v1\n\nrequire (\n\ttwo v1\n\tthree v1 // indirect\n\t// a remark\n)\n",
		"doc.go":                      "package m\n",
		"functions/jira/main.go":      "package main\n\nfunc main() {\n}\n",
		"pkg/breaker/a.go":            "// Package breaker is one.\npackage breaker\n\n// F is long.\nfunc F() string {\n\n\t// why\n\treturn `a\n\nb` // a remark\n}\n",
		"pkg/breaker/a_test.go":       "package breaker\n\nfunc f() {}\n",
		"pkg/breaker/memstore/b.go":   "package memstore\n/* two\nlines */\n",
		"local/proof/bench/c_test.go": "package bench\n\nfunc g() {\n\tf()\n}\n",
		"local/go.mod":                "module local\n\nrequire four v1\n",
		"pkg/breaker/testdata/x.go":   "package x\n",
		".cache/y.go":                 "not Go",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const wantParts = `| . | 1 | 0 | 0 |
| functions | 3 | 0 | 0 |
| local/proof | 0 | 0 | 4 |
| pkg/breaker | 7 | 5 | 2 |
| all | 11 | 5 | 6 |
`

const wantRest = `| packages | 5 |
| test files of pkg/breaker | 1 |
| direct dependencies of the root module | 2 |
| longest file | pkg/breaker/a.go, 11 lines |
| longest test file | local/proof/bench/c_test.go, 5 lines |
| longest function | pkg/breaker/a.go F, 7 lines |
| longest test function | local/proof/bench/c_test.go g, 3 lines |
`

func TestTheTreeIsMeasured(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, tree(t), "", ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Size of the tree", wantParts, wantRest} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
	}
}

func TestARevisionIsMeasuredAsItWas(t *testing.T) {
	dir := tree(t)
	git := func(args ...string) {
		t.Helper()
		command := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	git("init", "-q")
	git("add", "-A")
	git("commit", "-q", "-m", "one")
	if err := os.RemoveAll(filepath.Join(dir, "pkg")); err != nil {
		t.Fatal(err)
	}
	git("add", "-A")
	git("commit", "-q", "-m", "two")

	var before, now strings.Builder
	if err := run(t.Context(), &before, dir, "HEAD~1", ""); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), &now, dir, "", ""); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(before.String(), wantParts) || !strings.Contains(before.String(), "revision HEAD~1") {
		t.Errorf("the first commit: got\n%s", before.String())
	}
	if strings.Contains(now.String(), "| pkg/breaker |") {
		t.Errorf("the tree: got\n%s", now.String())
	}
	for _, revision := range []string{"nowhere", "--output=x"} {
		if err := run(t.Context(), &now, dir, revision, ""); err == nil {
			t.Errorf("revision %q: no error", revision)
		}
	}
}

func TestTheStepsOfALogAreRead(t *testing.T) {
	const table = "\n| step | seconds |\n|---|---|\n| check | 20 |\n| test | 580 |\n"
	for name, c := range map[string]struct{ log, want string }{
		"a log":            {"go vet\n" + table + "passed in 10 min 0 s\n", "| check | 20 |\n| test | 580 |\n| all | 600 |\n"},
		"the last table":   {strings.ReplaceAll(table, "580", "1") + table, "| test | 580 |\n| all | 600 |\n"},
		"a run that ended": {"\n| step | seconds |\n|---|---|\n", "| all | 0 |\n"},
	} {
		t.Run(name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(log, []byte(c.log), 0o644); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := run(t.Context(), &out, tree(t), "", log); err != nil || !strings.HasSuffix(out.String(), c.want) {
				t.Errorf("got %v and\n%s\nwant the end\n%s", err, out.String(), c.want)
			}
		})
	}
	if _, err := ciSteps("no table"); err == nil {
		t.Error("a log without a table: no error")
	}
}
