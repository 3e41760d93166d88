package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The printed commands of the README and the tutorial work with credentials too.
// Package readme runs the tutorial's outage, so it is not waited for here.
func TestThePrintedCommandsWork(t *testing.T) {
	binary := buildCommand(t)
	for auth, want := range map[string]struct {
		flags   []string
		refused string // to a call without credentials
	}{
		"jwt": {nil, "Unauthorized"},
		"iam": {[]string{"-bind", "127.0.0.2"}, "Forbidden"},
	} {
		t.Run(auth, func(t *testing.T) {
			_, out := start(t, binary, append(want.flags, "-auth", auth)...)
			eventually(t, out, "it prints what to try", func() bool { return strings.Contains(out.String(), "Ctrl-C stops") })
			answered := 0
			for _, command := range printedCommands(out.String()) {
				if strings.Contains(command, "_sim/faults") {
					break
				}
				answered++
				answer := shell(t, command)
				if strings.Contains(answer, want.refused) || !strings.HasPrefix(answer, "{") {
					t.Errorf("%s\ngot %q", command, answer)
				}
				if without, ok := withoutCredentials(command); ok && !strings.Contains(shell(t, without), want.refused) {
					t.Errorf("%s: not %s", without, want.refused)
				}
			}
			if answered < 4+len(want.flags)/2 {
				t.Errorf("%d commands were answered:\n%s", answered, out)
			}
		})
	}
}

// A real site gets no tutorial: nobody breaks it.
func TestTheGuideOfAPageIsItsCommands(t *testing.T) {
	const page = "## Run\n```sh\nmake run\n```\n## Try\n```sh\ncurl -s localhost:8000/api/v1/jira/projects\ncurl -s localhost:8000/api/v1/resilience/health\n```\n"
	if got := commands(page, "none"); got != "Try\n\n   curl -s localhost:8000/api/v1/jira/projects\n   curl -s localhost:8000/api/v1/resilience/health\n\n" {
		t.Errorf("got %q", got)
	}
	if got := commands(page, "jwt"); strings.Count(got, "Bearer") != 1 {
		t.Errorf("got %q", got)
	}
}

var credentials = regexp.MustCompile(`-H "Authorization[^"]*" |--aws-sigv4 \S+ --user "[^"]*" `)

func withoutCredentials(command string) (string, bool) {
	without := credentials.ReplaceAllString(command, "")
	return without, without != command
}

func shell(t *testing.T, command string) string {
	t.Helper()
	answer, err := exec.CommandContext(t.Context(), "bash", "-c", command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, answer)
	}
	return string(answer)
}

// printedCommands returns the lines indented by three spaces.
func printedCommands(text string) []string {
	var commands []string
	for line := range strings.Lines(text) {
		if command, indented := strings.CutPrefix(line, "   "); indented && strings.HasPrefix(command, "curl ") {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	return commands
}
