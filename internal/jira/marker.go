package jira

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/idempotency"
)

// markerProperty is the issue property that holds the label too. JQL cannot search
// for it, but a search returns it.
const markerProperty = "idem"

// marker is the property's value.
type marker struct {
	Label string `json:"label"`
}

// maxCandidates is how many of a project's newest issues are compared when the issue
// has no label.
const maxCandidates = 100

// skew is the largest difference between Jira's clock and ours.
const skew = 5 * time.Minute

// markedBody returns the request body of an issue that a search can find again.
func (n newIssue) markedBody(label string, labelled bool) map[string]any {
	fields := n.fields()
	if labelled {
		fields["labels"] = append(slices.Clip(n.Labels), label)
	}
	return map[string]any{
		"fields":     fields,
		"properties": []any{map[string]any{"key": markerProperty, "value": marker{label}}},
	}
}

// lookupQuery returns the JQL that finds the issue of a claim, oldest first because
// a clone of an issue has the same labels. Its time is relative because Jira reads a
// date in the time zone of the account.
func lookupQuery(claim *idempotency.Claim, n newIssue) string {
	label := ""
	if claim.Labelled() {
		label = claim.Label()
	}
	return markerQuery(n.ProjectKey, label, claim.Age())
}

// humanQuery returns JQL for people, who might use it days later.
func humanQuery(claim *idempotency.Claim, n newIssue) string {
	query := "project = " + quote(n.ProjectKey)
	if claim.Labelled() {
		return query + " AND labels = " + quote(claim.Label())
	}
	// The day before is the same day or an earlier one in all time zones.
	return query + " AND created >= " + quote(time.Now().Add(-claim.Age()-24*time.Hour).UTC().Format(time.DateOnly))
}

func markerQuery(project, label string, age time.Duration) string {
	var b strings.Builder
	b.WriteString("project = " + quote(project))
	if label != "" {
		b.WriteString(" AND labels = " + quote(label))
	}
	minutes := int64((age+skew)/time.Minute) + 1
	b.WriteString(" AND created >= -" + strconv.FormatInt(minutes, 10) + "m ORDER BY created ASC")
	return b.String()
}

// quote returns text as one operand of JQL.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text) + `"`
}

// candidate is an issue that a search for a marker found.
type candidate struct {
	ID, Key    string
	Properties map[string]json.RawMessage
}

func (c candidate) isMarked(label string) bool {
	var m marker
	return json.Unmarshal(c.Properties[markerProperty], &m) == nil && m.Label == label
}

// candidates returns the issues that match. It is a guarded call of its own.
func (c *Connector) candidates(ctx context.Context, query string, options ...guard.Option) ([]candidate, error) {
	type answer struct{ Issues []candidate }
	a, err := call[answer](ctx, c, searchIssues, atlassian.Request{Method: http.MethodPost, Path: "/rest/api/3/search/jql", Body: searchBody{
		JQL: query, Fields: []string{"key"}, MaxResults: maxCandidates, Properties: []string{markerProperty},
	}}, options...)
	return a.Issues, err
}
