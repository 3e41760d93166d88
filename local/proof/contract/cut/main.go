// Command cut makes the description of Jira that package contract checks
// against: the operations used, out of Atlassian's OpenAPI document.
//
//	go run ./proof/contract/cut -from swagger-v3.v3.json
//
// run in local/, writes contract/jira.json. The document is behind the button
// "OpenAPI" of developer.atlassian.com/cloud/jira/platform/rest/v3/intro. Its
// licence is the Apache License, Version 2.0, and so is the cut's.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	from := flag.String("from", "", "Atlassian's OpenAPI document")
	to := flag.String("to", "contract/jira.json", "the cut")
	flag.Parse()
	if err := run(*from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "cut:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	whole, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	part, err := cut(whole, jiraOperations())
	if err != nil {
		return err
	}
	return os.WriteFile(to, part, 0o644)
}

// jiraOperations are the connector's, and the simulator's beyond.
func jiraOperations() []operation {
	const api = "/rest/api/3/"
	return []operation{
		{"get", api + "serverInfo"},
		{"get", api + "myself"},
		{"get", api + "search/jql"},
		{"post", api + "search/jql"},
		{"get", api + "issue/{issueIdOrKey}"},
		{"get", api + "issue/{issueIdOrKey}/properties/{propertyKey}"},
		{"post", api + "issue"},
		{"get", api + "project/search"},
		{"get", api + "issuetype"},
		{"get", api + "issuetype/project"},
	}
}
