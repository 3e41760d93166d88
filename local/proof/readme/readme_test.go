// Package readme runs every command of the README and of the pages that have
// commands on the local stack.
package readme

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/local/pages"
	"github.com/coldfuse/coldfuse/local/stack"
)

const root = "../../.."

// TestEveryCommandWorks runs the pages from top to bottom on a stack with the
// default settings, as a reader would who has read nothing else.
func TestEveryCommandWorks(t *testing.T) {
	markdown, err := exec.Command("cat", root+"/README.md", root+"/docs/operations.md", root+"/docs/first-outage.md", root+"/docs/deployments.md").Output()
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Config{Root: root, Warm: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := &reader{t: t, addresses: strings.NewReplacer(
		"localhost:8000", host(s.URL), "localhost:8001", host(s.AdminURL), "localhost:8002", host(s.JiraURL),
	)}
	ran := 0
	for _, b := range pages.Blocks(string(markdown)) {
		ran++
		switch command, _, _ := strings.Cut(b.Text, " "); command {
		case "make":
			r.targets(b)
		case "export", "sam":
			r.sam(b)
		default:
			r.shell(b)
		}
	}
	// Fewer would mean that the commands are no longer found.
	if ran < 15 {
		t.Errorf("only %d commands were found", ran)
	}
}

func host(url string) string { return strings.TrimPrefix(url, "http://") }

// reader follows the README.
type reader struct {
	t         *testing.T
	addresses *strings.Replacer
}

// says is what the README promises of a block's output, by the block's first
// line.
var says = map[string][]string{
	"curl -s localhost:8000/api/v1/openapi.yaml":   {`^openapi: 3\.1`},
	"curl -s -X PUT localhost:8002/_sim/faults":    {`503 in [4-9]\.`, `503 in 0\.0`, `"circuit":"jira_api"`, `"status":"degraded"`},
	"curl -s -X POST localhost:8001/environments":  {`"killed": [1-9]`, `503 in 0\.`, `urn:coldfuse:problem:circuit-open`},
	"curl -s -X DELETE localhost:8002/_sim/faults": {`(?m)^200\n200\n`, `"state":"closed"`},
	"curl -s 'localhost:8001/logs":                 {`'jira_api' OPENED`, `'jira_api' HALF_OPEN`, `'jira_api' CLOSED`},
	"for i in 1 2 3 4 5 6; do curl":                {`(?m)^(400\n){6}`, `"state":"closed"`},
}

func (r *reader) shell(b pages.Block) {
	out := r.run(b, "bash", "-euo", "pipefail", "-c", r.addresses.Replace(b.Text))
	promised := false
	for begins, patterns := range says {
		if !strings.HasPrefix(b.Text, begins) {
			continue
		}
		promised = true
		for _, pattern := range patterns {
			if !regexp.MustCompile(pattern).MatchString(out) {
				r.t.Errorf("%s: the output has no %s:\n%s\n%s", b.Heading, pattern, b.Text, out)
			}
		}
	}
	if promised {
		return
	}
	var answer any
	if err := json.Unmarshal([]byte(out), &answer); err != nil || strings.Contains(out, "urn:coldfuse:problem") {
		r.t.Errorf("%s: want an answer in JSON:\n%s\n%s", b.Heading, b.Text, out)
	}
}

// targets looks that make knows what it is asked for; running the tests within
// a test would not end.
func (r *reader) targets(b pages.Block) {
	for line := range strings.Lines(b.Text) {
		command, _, _ := strings.Cut(strings.TrimSpace(line), "#")
		args := append([]string{"--dry-run"}, strings.Fields(command)[1:]...)
		r.run(pages.Block{Heading: b.Heading, Text: command}, "make", args...)
	}
}

// sam runs the SAM CLI of the project's own venv. A deployment gets as far as
// it can without an AWS account, and an invocation without Docker.
func (r *reader) sam(b pages.Block) {
	venv, err := filepath.Abs(filepath.Join(root, ".cache", "venv", "bin"))
	if err != nil {
		r.t.Fatal(err)
	}
	environment := "export SAM_CLI_TELEMETRY=0 AWS_EC2_METADATA_DISABLED=true PATH=" + venv + ":$PATH\nunset AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID\n"
	for line := range strings.Lines(b.Text) {
		switch {
		case strings.HasPrefix(line, "sam deploy"):
			r.stopsAt(b, environment+line, "Unable to resolve a region|Unable to locate credentials")
		case strings.HasPrefix(line, "sam local invoke"):
			r.stopsAt(b, environment+line, "requires a container runtime")
		case strings.HasPrefix(line, "sam"):
			r.run(b, "bash", "-euo", "pipefail", "-c", environment+line)
		default:
			environment += line
		}
	}
}

// stopsAt runs a script that succeeds, or fails for this reason and no other.
func (r *reader) stopsAt(b pages.Block, script, reason string) {
	out, err := r.try("bash", "-euo", "pipefail", "-c", script)
	if err != nil && !regexp.MustCompile(reason).MatchString(out) {
		r.t.Errorf("%s: %v, want success or %s:\n%s\n%s", b.Heading, err, reason, b.Text, out)
	}
}

func (r *reader) run(b pages.Block, name string, args ...string) string {
	out, err := r.try(name, args...)
	if err != nil {
		r.t.Errorf("%s: %v:\n%s\n%s", b.Heading, err, b.Text, out)
	}
	return out
}

func (r *reader) try(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), 3*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = root
	command.WaitDelay = 5 * time.Second
	out, err := command.CombinedOutput()
	return string(out), errors.Join(err, ctx.Err())
}
