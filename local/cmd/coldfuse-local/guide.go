package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/coldfuse/coldfuse/local/pages"
	"github.com/coldfuse/coldfuse/local/stack"
	"github.com/coldfuse/coldfuse/local/stack/identity"
)

const addresses = `
API         {api}/api/v1/…
Admin       {admin}/  (environments, kill -9, faults of the stores, credentials)
Jira        {jira}
Confluence  {confluence}
Logs        {log}

`

// notes are printed for a mode of access.
var notes = map[string]string{
	"iam": "Every call but the monitor's needs a signature. {admin}/access-key/NAME makes a key for any user.\n\n",
	"jwt": "Every call but the monitor's needs a token. {admin}/token/NAME makes one for any subject.\n\n",
}

// guide returns what to try: the commands of the README and of the tutorial, with
// this stack's addresses and alice's credentials. A real site has no faults to set,
// so it gets no tutorial.
func guide(s *stack.Stack, c stack.Config) (string, error) {
	jiraSite, confluenceSite, mode := c.Parameters["JiraBaseUrl"], c.Parameters["ConfluenceBaseUrl"], c.Parameters["AuthMode"]
	text := addresses + notes[mode]
	if c.Bind != "" {
		text += "What the functions call listens on {bind}. For sam local's --env-vars:\n\n   curl -s {admin}/sam-env\n\n"
	}
	files := []string{"README.md", "docs/first-outage.md"}
	if jiraSite != "" {
		files = files[:1]
	}
	for _, file := range files {
		page, err := os.ReadFile(filepath.Join(c.Root, file))
		if err != nil {
			return "", fmt.Errorf("guide: %w", err)
		}
		text += commands(string(page), mode)
	}
	return strings.NewReplacer(
		"{api}", local(s.URL), "{admin}", local(s.AdminURL), "{log}", c.LogFile, "{bind}", c.Bind,
		"{jira}", cmp.Or(jiraSite, local(s.JiraURL)), "{confluence}", cmp.Or(confluenceSite, local(s.ConfluenceURL)),
		"http://localhost:8000", local(s.URL), "localhost:8000", local(s.URL), "localhost:8001", local(s.AdminURL), "localhost:8002", local(s.JiraURL),
	).Replace(text + "Ctrl-C stops everything.\n\n"), nil
}

// commands returns a page's commands for curl under their headings, indented by
// three spaces.
func commands(page, mode string) string {
	var text strings.Builder
	heading := ""
	for _, block := range pages.Blocks(page) {
		if strings.HasPrefix(block.Text, "make ") {
			continue
		}
		if block.Heading != heading {
			heading = block.Heading
			fmt.Fprintf(&text, "%s\n\n", heading)
		}
		for line := range strings.Lines(block.Text) {
			text.WriteString("   " + authorized(strings.TrimSuffix(line, "\n"), mode) + "\n")
		}
		text.WriteString("\n")
	}
	return text.String()
}

// authorized adds alice's credentials to a command that calls the API, unless it
// calls the monitor.
func authorized(command, mode string) string {
	_, path, calls := strings.Cut(command, "localhost:8000/api/v1/")
	if !calls || strings.HasPrefix(path, "resilience/") {
		return command
	}
	credentials := map[string]string{
		"jwt": `-H "Authorization: Bearer $(curl -s {admin}/token/alice)" `,
		"iam": `--aws-sigv4 aws:amz:` + identity.Region + `:` + identity.Service + ` --user "$(curl -s {admin}/access-key/alice)" `,
	}[mode]
	return strings.Replace(command, "curl ", "curl "+credentials, 1)
}

// local writes the loopback address as people do.
func local(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) }
