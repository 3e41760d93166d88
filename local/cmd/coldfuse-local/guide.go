package main

import (
	"cmp"
	"strings"

	"github.com/coldfuse/coldfuse/local/stack"
	"github.com/coldfuse/coldfuse/local/stack/identity"
)

const (
	addresses = `
API         {api}/api/v1/…
Admin       {admin}/  (environments, kill -9, faults of the stores, credentials)
Jira        {jira}
Confluence  {confluence}
Logs        {log}

`
	iamAccess = `Every call needs a signature, but for the monitor's. The admin address gives an
access key to any user, below to alice and bob; without one:

   curl -s {api}/api/v1/jira/server-info

`
	jwtAccess = `Every call needs a token, but for the monitor's. The admin address gives one for
any subject, below for alice and bob; without one:

   curl -s {api}/api/v1/jira/server-info

`
	containers = `What the functions call listens on {bind}. For sam local's --env-vars:

   curl -s {admin}/sam-env

`
	reads = `Things to try, in another terminal:

1. How are the circuits?

   curl -s {api}/api/v1/resilience/health

2. Search in Jira, and list what there is in Confluence.

   curl -s {api}/api/v1/jira/search {alice}-H 'Content-Type: application/json' -d '{"jql":"project = {project} ORDER BY created DESC","limit":3}'
   curl -s {api}/api/v1/confluence/spaces {alice}

`
	sessions = `3. Talk. The session is made by the first call that wants it.

   curl -s -X PUT {api}/api/v1/sessions/tea {alice}
   curl -s {api}/api/v1/sessions/tea/messages {alice}-H 'Content-Type: application/json' -d '{"id":"m-1","role":"user","content":"Is it ready?"}'
   curl -s {api}/api/v1/sessions/tea/messages {alice}

`
	ownership = `   It is alice's, and bob does not even learn that it exists.

   curl -s {api}/api/v1/sessions/tea {bob}

`
	outage = `4. Break Jira and make five calls at once. Each is tried four times, which takes
   about 7 s; the fifth failure opens the circuit. From then on calls fail in
   milliseconds, in new environments too.

   curl -s -X PUT {jira}/_sim/faults -d '{"kind":"down"}'
   for i in 1 2 3 4 5; do curl -s -o /dev/null -w '%{http_code} in %{time_total} s\n' {api}/api/v1/jira/search {alice}-H 'Content-Type: application/json' -d '{"jql":"project = OPS"}' & done; wait
   curl -s -X POST {admin}/environments/kill
   curl -s -w '%{http_code} in %{time_total} s\n' {api}/api/v1/jira/search {alice}-H 'Content-Type: application/json' -d '{"jql":"project = OPS"}'

5. Heal it. 30 s after the opening the next call is the probe, and the second
   success closes the circuit.

   curl -s -X DELETE {jira}/_sim/faults
   sleep 31
   for i in 1 2; do curl -s -o /dev/null -w '%{http_code}\n' {api}/api/v1/jira/search {alice}-H 'Content-Type: application/json' -d '{"jql":"project = OPS"}'; done
   curl -s {api}/api/v1/resilience/circuit-breakers/jira_api

`
	ending = "Ctrl-C stops everything.\n\n"
)

// guide is what to try. A real site has no faults to switch.
func guide(s *stack.Stack, c stack.Config) string {
	jiraSite, confluenceSite := c.Parameters["JiraBaseUrl"], c.Parameters["ConfluenceBaseUrl"]
	mode := c.Parameters["AuthMode"]
	about := map[string]string{"iam": iamAccess, "jwt": jwtAccess}[mode]
	text, project := addresses+about, "OPS"
	if c.Bind != "" {
		text += containers
	}
	text += reads + sessions
	if about != "" {
		text += ownership
	}
	if jiraSite == "" {
		text += outage
	} else {
		project = "YOURS"
	}
	text = strings.NewReplacer("{alice}", credentials(mode, "alice"), "{bob}", credentials(mode, "bob")).Replace(text + ending)
	return strings.NewReplacer(
		"{api}", local(s.URL), "{admin}", local(s.AdminURL), "{log}", c.LogFile, "{project}", project, "{bind}", c.Bind,
		"{jira}", cmp.Or(jiraSite, local(s.JiraURL)), "{confluence}", cmp.Or(confluenceSite, local(s.ConfluenceURL)),
	).Replace(text)
}

// credentials are what a user adds to a command of curl.
func credentials(mode, user string) string {
	switch mode {
	case "jwt":
		return `-H "Authorization: Bearer $(curl -s {admin}/token/` + user + `)" `
	case "iam":
		return `--aws-sigv4 aws:amz:` + identity.Region + `:` + identity.Service + ` --user "$(curl -s {admin}/access-key/` + user + `)" `
	default:
		return ""
	}
}

// local writes the loopback address as people do.
func local(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) }
