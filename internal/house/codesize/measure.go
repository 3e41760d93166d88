package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// size is what is measured of a repository.
type size struct {
	parts        map[string]*part
	packages     int // directories with Go files
	breakerTests int // test files of pkg/breaker itself
	dependencies int // direct ones of the root module

	longestFile, longestTestFile         place
	longestFunction, longestTestFunction place
}

// part is a folder of the first two levels.
type part struct {
	code, comments int // lines of files that are not tests
	tests          int // lines of code of tests
}

// place is a file or a function, and its lines, blank ones and comments
// included.
type place struct {
	name  string
	lines int
}

func (p *place) raise(name string, lines int) {
	if lines > p.lines {
		*p = place{name, lines}
	}
}

// measured reports whether a file counts.
func measured(name string) bool { return name == "go.mod" || strings.HasSuffix(name, ".go") }

// partOf returns the part that a file belongs to.
func partOf(name string) string {
	folders := strings.Split(path.Dir(name), "/")
	switch {
	case folders[0] == "functions" || folders[0] == "cmd" || len(folders) == 1:
		return folders[0]
	default:
		return folders[0] + "/" + folders[1]
	}
}

// measure reads all Go files below root. What is fetched, built or made for a
// test does not count.
func measure(root string) (*size, error) {
	s := &size{parts: map[string]*part{}}
	packages := map[string]bool{}
	skipped := []string{".git", ".cache", ".aws-sam", "build", "lib", "testdata"}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains(skipped, entry.Name()) {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() || filepath.Ext(file) != ".go" {
			return nil
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(relative)
		packages[path.Dir(name)] = true
		return s.add(name, source)
	})
	if err != nil {
		return nil, err
	}
	s.packages = len(packages)
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	s.dependencies = direct(string(module))
	return s, nil
}

// add measures one file.
func (s *size) add(name string, source []byte) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	p := s.parts[partOf(name)]
	if p == nil {
		p = &part{}
		s.parts[partOf(name)] = p
	}
	code, comments := lines(source)
	longestFile, longestFunction := &s.longestFile, &s.longestFunction
	if strings.HasSuffix(name, "_test.go") {
		longestFile, longestFunction = &s.longestTestFile, &s.longestTestFunction
		p.tests += code
		if path.Dir(name) == "pkg/breaker" {
			s.breakerTests++
		}
	} else {
		p.code += code
		p.comments += comments
	}
	longestFile.raise(name, bytes.Count(source, []byte("\n")))
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			first, last := files.Position(f.Type.Func).Line, files.Position(f.End()).Line
			longestFunction.raise(name+" "+f.Name.Name, last-first+1)
		}
	}
	return nil
}

// lines returns the number of lines with code, and of those with a comment
// only.
func lines(source []byte) (code, comments int) {
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, scanner.ScanComments)
	kinds := map[int]bool{} // by line: whether there is code
	for {
		position, kind, text := s.Scan()
		switch {
		case kind == token.EOF:
			for _, isCode := range kinds {
				if isCode {
					code++
				} else {
					comments++
				}
			}
			return code, comments
		case kind == token.SEMICOLON && text == "\n": // inserted at the end of a line
			continue
		}
		first := file.Line(position)
		for line := first; line <= first+strings.Count(text, "\n"); line++ {
			kinds[line] = kinds[line] || kind != token.COMMENT
		}
	}
}

// direct returns the number of direct dependencies of a go.mod.
func direct(module string) int {
	n, block := 0, false
	for line := range strings.Lines(module) {
		line = strings.TrimSpace(line)
		switch {
		case line == "require (":
			block = true
		case line == ")":
			block = false
		case line == "" || strings.HasPrefix(line, "//") || strings.HasSuffix(line, "// indirect"):
		case block || strings.HasPrefix(line, "require "):
			n++
		}
	}
	return n
}

// print writes the sizes as Markdown.
func (s *size) print(out io.Writer, name string) {
	fmt.Fprintf(out, "Size of %s, in lines without blank ones:\n\n| part | code | comments | tests |\n|---|---|---|---|\n", name)
	var all part
	for _, key := range slices.Sorted(maps.Keys(s.parts)) {
		p := s.parts[key]
		fmt.Fprintf(out, "| %s | %d | %d | %d |\n", key, p.code, p.comments, p.tests)
		all.code, all.comments, all.tests = all.code+p.code, all.comments+p.comments, all.tests+p.tests
	}
	fmt.Fprintf(out, "| all | %d | %d | %d |\n\n| | |\n|---|---|\n", all.code, all.comments, all.tests)
	for _, row := range []struct {
		title string
		value any
	}{
		{"packages", s.packages},
		{"test files of pkg/breaker", s.breakerTests},
		{"direct dependencies of the root module", s.dependencies},
		{"longest file", s.longestFile},
		{"longest test file", s.longestTestFile},
		{"longest function", s.longestFunction},
		{"longest test function", s.longestTestFunction},
	} {
		fmt.Fprintf(out, "| %s | %v |\n", row.title, row.value)
	}
}

func (p place) String() string { return fmt.Sprintf("%s, %d lines", cmp.Or(p.name, "none"), p.lines) }
