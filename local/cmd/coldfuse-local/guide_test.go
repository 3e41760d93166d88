package main

import (
	"maps"
	"os/exec"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/local/jirasim"
	"github.com/coldfuse/coldfuse/local/stack"
)

// The commands that are printed work as they stand, here with a recovery time
// that a test can wait for.
func TestThePrintedCommandsWork(t *testing.T) {
	_, out := start(t, buildCommand(t), "-parameter", "JiraBaseDelay=0.05", "-parameter", "JiraRecoveryTimeout=3")
	eventually(t, out, "it prints what to try", func() bool { return strings.Contains(out.String(), "Ctrl-C stops") })
	run := func(command string) string {
		t.Helper()
		command = strings.Replace(command, "sleep 31", "sleep 4", 1)
		answer, err := exec.CommandContext(t.Context(), "bash", "-c", command).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, answer)
		}
		return string(answer)
	}
	// What each printed line must answer.
	wants := []string{
		`"status":"healthy"`,
		`"items":[`,
		`"kind":"down"`,
		"503 in",
		`"killed":`,
		"503 in 0.",
		"[]",
		"",
		"200\n200\n",
		`"state":"closed"`,
	}
	commands := printedCommands(out.String())
	if len(commands) != len(wants) {
		t.Fatalf("%d commands are printed, want %d:\n%s", len(commands), len(wants), out)
	}
	for i, want := range wants {
		answer := run(commands[i])
		if !strings.Contains(answer, want) {
			t.Errorf("%s\ngave %q, want %q", commands[i], answer, want)
		}
		if want == "503 in" && strings.Count(answer, want) != 5 {
			t.Errorf("%s\ngave %q, want five failures", commands[i], answer)
		}
	}
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

func TestARealSiteTakesTheSimulatorsPlace(t *testing.T) {
	cases := []struct {
		rule string
		env  map[string]string
		want map[string]string
		fail bool
	}{
		{"without JIRA_BASE_URL the simulator stays", map[string]string{"JIRA_TOKEN": "t"}, map[string]string{}, false},
		{"a site needs a token", map[string]string{"JIRA_BASE_URL": "https://a"}, nil, true},
		{
			"what is set becomes parameters",
			map[string]string{"JIRA_BASE_URL": "https://a", "JIRA_AUTH": "bearer", "JIRA_TOKEN": "t", "JIRA_EMAIL": "e"},
			map[string]string{"JiraBaseUrl": "https://a", "JiraAuth": "bearer"}, false,
		},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			config := stack.Config{Parameters: map[string]string{}}
			err := realSite(&config, func(name string) string { return c.env[name] })
			if (err != nil) != c.fail {
				t.Fatalf("got %v", err)
			}
			if !c.fail && !maps.Equal(config.Parameters, c.want) {
				t.Errorf("parameters %v, want %v", config.Parameters, c.want)
			}
			site := jirasim.Credentials{Email: "e", Token: "t"}
			if len(c.want) > 0 && config.Credentials != site {
				t.Error("the credentials are not the site's")
			}
		})
	}
}
