package jira

import "strings"

const maxJQL = 10_000

// jqlProblem returns why a query is not sent, or "": it is empty, too long, or has no
// restriction, which Jira rejects. Jira judges the rest.
func jqlProblem(jql string) string {
	words := strings.Fields(jql)
	switch {
	case len(words) == 0:
		return "a query is needed"
	case len(jql) > maxJQL:
		return "the query is longer than 10,000 bytes"
	case len(words) > 1 && strings.EqualFold(words[0], "order") && strings.EqualFold(words[1], "by"):
		return "the query is unbounded: it needs a restriction before ORDER BY, such as project = KEY"
	default:
		return ""
	}
}
