package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/coldfuse/coldfuse/local/lambda"
	"github.com/coldfuse/coldfuse/local/stack"
)

// run keeps a stack until ctx ends.
func run(ctx context.Context, c stack.Config, out io.Writer) error {
	c.Watch = func(line lambda.Line) { report(out, line) }
	s, err := stack.Start(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	io.WriteString(out, guide(s, c))
	<-ctx.Done()
	fmt.Fprintln(out, "\nstopping …")
	return nil
}

// report shows the lines that tell the story: transitions and warnings. The
// others are in the log file.
func report(out io.Writer, line lambda.Line) {
	var entry struct{ Level, Message string }
	if json.Unmarshal([]byte(line.Text), &entry) != nil {
		return
	}
	if strings.HasPrefix(entry.Message, "Circuit") || entry.Level == "ERROR" {
		fmt.Fprintf(out, "          %-5s %s [%s]\n", entry.Level, entry.Message, line.Environment)
	}
}

const (
	addresses = `
API    {api}/api/v1/…
Admin  {admin}/  (environments, kill -9, store faults)
Jira   {jira}
Logs   {log}

`
	anySite = `Things to try, in another terminal:

1. How are the circuits?

   curl -s {api}/api/v1/resilience/health

2. Search in Jira.

   curl -s {api}/api/v1/jira/search -H 'Content-Type: application/json' -d '{"jql":"project = {project} ORDER BY created DESC","limit":3}'

`
	simulator = `3. Break Jira and make five calls at once. Each is tried four times, which takes
   about 7 s; the fifth failure opens the circuit. From then on calls fail in
   milliseconds, in new environments too.

   curl -s -X PUT {jira}/_sim/faults -d '{"kind":"down"}'
   for i in 1 2 3 4 5; do curl -s -o /dev/null -w '%{http_code} in %{time_total} s\n' {api}/api/v1/jira/search -H 'Content-Type: application/json' -d '{"jql":"project = OPS"}' & done; wait
   curl -s -X POST {admin}/environments/kill
   curl -s -w '%{http_code} in %{time_total} s\n' {api}/api/v1/jira/search -H 'Content-Type: application/json' -d '{"jql":"project = OPS"}'

4. Heal it. 30 s after the opening the next call is the probe, and the second
   success closes the circuit.

   curl -s -X DELETE {jira}/_sim/faults
   sleep 31
   for i in 1 2; do curl -s -o /dev/null -w '%{http_code}\n' {api}/api/v1/jira/search -H 'Content-Type: application/json' -d '{"jql":"project = OPS"}'; done
   curl -s {api}/api/v1/resilience/circuit-breakers/jira_api

`
	ending = "Ctrl-C stops everything.\n\n"
)

// guide is what to try. A real site has no faults to switch.
func guide(s *stack.Stack, c stack.Config) string {
	text, jira, project := addresses+anySite+simulator+ending, local(s.JiraURL), "OPS"
	if site := c.Parameters["JiraBaseUrl"]; site != "" {
		text, jira, project = addresses+anySite+ending, site, "YOURS"
	}
	return strings.NewReplacer(
		"{api}", local(s.URL), "{admin}", local(s.AdminURL), "{jira}", jira, "{log}", c.LogFile, "{project}", project,
	).Replace(text)
}

// local writes the loopback address as people do.
func local(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) }
