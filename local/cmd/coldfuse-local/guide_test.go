package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The commands that are printed work as they stand, here with a recovery time
// that a test can wait for.
func TestThePrintedCommandsWork(t *testing.T) {
	binary := buildCommand(t)
	// What each printed line must answer.
	everywhere := []string{`"status":"healthy"`, `"items":[`, `"key":"DOC"`, `"session_id":"tea"`, `"seq":1`, `"content":"Is it ready?"`}
	const bob = "Session not found"
	outage := []string{
		`"kind":"down"`,
		"503 in",
		`"killed":`,
		"503 in 0.",
		"[]",
		"",
		"200\n200\n",
		`"state":"closed"`,
	}
	cases := []struct {
		auth  string
		flags []string
		wants []string
	}{
		{"none", nil, slices.Concat(everywhere, outage)},
		{"jwt", nil, slices.Concat([]string{`{"message":"Unauthorized"}`}, everywhere, []string{bob}, outage)},
		{
			"iam", []string{"-bind", "127.0.0.2"},
			slices.Concat([]string{`{"message":"Forbidden"}`, `"http://127.0.0.2:`}, everywhere, []string{bob}, outage),
		},
	}
	for _, c := range cases {
		t.Run(c.auth, func(t *testing.T) {
			flags := append(c.flags, "-auth", c.auth, "-parameter", "JiraBaseDelay=0.05", "-parameter", "JiraRecoveryTimeout=3")
			_, out := start(t, binary, flags...)
			eventually(t, out, "it prints what to try", func() bool { return strings.Contains(out.String(), "Ctrl-C stops") })
			commands := printedCommands(out.String())
			if len(commands) != len(c.wants) {
				t.Fatalf("%d commands are printed, want %d:\n%s", len(commands), len(c.wants), out)
			}
			last := len(commands) - 1
			for i, want := range c.wants[:last] {
				answer := shell(t, commands[i])
				if !strings.Contains(answer, want) {
					t.Errorf("%s\ngave %q, want %q", commands[i], answer, want)
				}
				if want == "503 in" && strings.Count(answer, want) != 5 {
					t.Errorf("%s\ngave %q, want five failures", commands[i], answer)
				}
			}
			// On a busy machine an environment may lose the store for a moment
			// and count the successes alone: then it takes the calls again.
			eventually(t, out, "the circuit closes", func() bool {
				if strings.Contains(shell(t, commands[last]), c.wants[last]) {
					return true
				}
				shell(t, commands[last-1])
				return false
			})
		})
	}
}

func shell(t *testing.T, command string) string {
	t.Helper()
	command = strings.Replace(command, "sleep 31", "sleep 4", 1)
	answer, err := exec.CommandContext(t.Context(), "bash", "-c", command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, answer)
	}
	return string(answer)
}

// printedCommands are the lines indented by three spaces that are commands.
func printedCommands(text string) []string {
	var commands []string
	for line := range strings.Lines(text) {
		line, indented := strings.CutPrefix(line, "   ")
		for _, start := range []string{"curl ", "for ", "sleep "} {
			if indented && strings.HasPrefix(line, start) {
				commands = append(commands, strings.TrimSpace(line))
			}
		}
	}
	return commands
}
