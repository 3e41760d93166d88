package jira

import (
	"regexp"
	"strings"
)

const maxJQL = 10_000

// orderBy finds where the restriction ends. JQL's words are of any case.
var orderBy = regexp.MustCompile(`(?i)^\s*order\s+by\b`)

// jqlProblem tells what makes a query unfit to be sent: that it is empty, too
// long, or restricts nothing, which Jira refuses. All else is Jira's to judge.
func jqlProblem(jql string) string {
	switch {
	case strings.TrimSpace(jql) == "":
		return "a query is needed"
	case len(jql) > maxJQL:
		return "the query is longer than 10,000 characters"
	case orderBy.MatchString(jql):
		return "the query is unbounded: it needs a restriction before ORDER BY, such as project = KEY"
	default:
		return ""
	}
}
