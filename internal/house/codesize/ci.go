package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// step is one target of make ci.
type step struct {
	name    string
	seconds int
}

var stepRow = regexp.MustCompile(`^\| (\S+) \| (\d+) \|$`)

// ciSteps returns the rows of the table that ends a log of make ci.
func ciSteps(log string) ([]step, error) {
	const header = "| step | seconds |\n|---|---|\n"
	log = strings.ReplaceAll(log, "\r\n", "\n")
	begins := strings.LastIndex(log, header)
	if begins < 0 {
		return nil, errors.New("no table of steps")
	}
	var steps []step
	for line := range strings.Lines(log[begins+len(header):]) {
		row := stepRow.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if row == nil {
			break
		}
		seconds, err := strconv.Atoi(row[2])
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{row[1], seconds})
	}
	return steps, nil
}

func printSteps(out io.Writer, steps []step) {
	fmt.Fprint(out, "\n| step of make ci | seconds |\n|---|---|\n")
	all := 0
	for _, s := range steps {
		fmt.Fprintf(out, "| %s | %d |\n", s.name, s.seconds)
		all += s.seconds
	}
	fmt.Fprintf(out, "| all | %d |\n", all)
}
