// Package querylang reads the query languages of Atlassian's products, JQL and
// CQL, which share their grammar, and matches things against a query. Errors
// are in the words of JQL.
package querylang
