package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// table makes a markdown table of the lines that are written to it.
type table struct {
	head string
	row  func(line string) (row string, ok bool)
	rows strings.Builder
	rest []byte // the beginning of a line
}

// tableOf returns a table of the rows that a command prints. With a title it
// makes the rows from the output of go test, one for each package.
func tableOf(passed string) *table {
	if passed == "" {
		return &table{row: printed}
	}
	return &table{row: packagePassed, head: fmt.Sprintf("| %s | seconds |\n|---|---|\n", passed)}
}

func printed(line string) (row string, ok bool) { return line, strings.HasPrefix(line, "|") }

// packagePassed returns the row for a line of "ok", the package and its time,
// separated by tabs. A result without a time is from the cache.
func packagePassed(line string) (row string, ok bool) {
	fields := strings.Split(line, "\t")
	if len(fields) < 3 || strings.TrimSpace(fields[0]) != "ok" || !strings.HasSuffix(fields[2], "s") {
		return "", false
	}
	return fmt.Sprintf("| `%s` | %s |", fields[1], strings.TrimSuffix(fields[2], "s")), true
}

func (t *table) Write(p []byte) (int, error) {
	t.rest = append(t.rest, p...)
	for {
		line, rest, ok := bytes.Cut(t.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		t.add(string(line))
		t.rest = rest
	}
}

func (t *table) add(line string) {
	if row, ok := t.row(line); ok {
		t.rows.WriteString(row + "\n")
	}
}

func (t *table) text() (string, error) {
	t.add(string(t.rest))
	t.rest = nil
	if t.rows.Len() == 0 {
		return "", errors.New("no line of a table was printed")
	}
	return t.head + t.rows.String(), nil
}
