// Command covered prints the blocks of a file that no test has run, and fails if
// there are any. Otherwise it prints a table with the number of blocks.
//
//	go test -coverprofile cover.out ./pkg/breaker
//	go -C local run ./proof/covered ../cover.out pkg/breaker/machine.go
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fail("usage: covered PROFILE FILE")
	}
	profile, err := os.Open(os.Args[1])
	if err != nil {
		fail(err)
	}
	blocks, missed, err := uncovered(profile, os.Args[2])
	switch {
	case err != nil:
		fail(err)
	case blocks == 0:
		fail("the profile has no block of " + os.Args[2])
	case len(missed) > 0:
		fail(fmt.Sprintf("%s: not run:\n%s", os.Args[2], strings.Join(missed, "\n")))
	}
	fmt.Printf("| file | blocks | run by tests |\n|---|--:|--:|\n| `%s` | %d | %d |\n", os.Args[2], blocks, blocks)
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}

// uncovered returns the number of a file's blocks and the places of those that
// were not run. A profile of several packages' tests lists a block several times.
func uncovered(profile io.Reader, file string) (blocks int, missed []string, err error) {
	run := make(map[string]bool)
	lines := bufio.NewScanner(profile)
	for lines.Scan() {
		// name.go:line.column,line.column statements count
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if !strings.HasSuffix(name, "/"+file) {
			continue
		}
		var place string
		var statements, count int
		if _, err := fmt.Sscan(rest, &place, &statements, &count); err != nil {
			return 0, nil, fmt.Errorf("coverage profile: %q: %w", lines.Text(), err)
		}
		run[place] = run[place] || count > 0
	}
	for place, ok := range run {
		if !ok {
			missed = append(missed, place)
		}
	}
	slices.Sort(missed)
	return len(run), missed, lines.Err()
}
