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

// markProperty is the issue property that holds the label too. No JQL finds it,
// but a search shows it.
const markProperty = "idem"

// mark is the property's value.
type mark struct {
	Label string `json:"label"`
}

// maxCandidates is how many of a project's new issues are looked through where
// the issue has no label.
const maxCandidates = 100

// skew is how far apart Jira's clock and ours may be.
const skew = 5 * time.Minute

// once is the body of a request whose issue can be found again.
func (n newIssue) once(label string, labelled bool) map[string]any {
	fields := n.fields()
	if labelled {
		fields["labels"] = append(slices.Clip(n.Labels), label)
	}
	return map[string]any{
		"fields":     fields,
		"properties": []any{map[string]any{"key": markProperty, "value": mark{label}}},
	}
}

// sought is the query for the issue of a claim: oldest first, since a clone of
// an issue has its labels. Its time is relative: Jira reads a date in the time
// zone of the account.
func sought(claim *idempotency.Claim, n newIssue) string {
	label := ""
	if claim.Labelled() {
		label = claim.Label()
	}
	return markQuery(n.ProjectKey, label, claim.Age())
}

// hint is a query for people, who may ask it days later.
func hint(claim *idempotency.Claim, n newIssue) string {
	query := "project = " + quote(n.ProjectKey)
	if claim.Labelled() {
		return query + " AND labels = " + quote(claim.Label())
	}
	// The day before is the same day or an earlier one in all time zones.
	return query + " AND created >= " + quote(time.Now().Add(-claim.Age()-24*time.Hour).UTC().Format(time.DateOnly))
}

func markQuery(project, label string, age time.Duration) string {
	var b strings.Builder
	b.WriteString("project = " + quote(project))
	if label != "" {
		b.WriteString(" AND labels = " + quote(label))
	}
	minutes := int64((age+skew)/time.Minute) + 1
	b.WriteString(" AND created >= -" + strconv.FormatInt(minutes, 10) + "m ORDER BY created ASC")
	return b.String()
}

// quote makes any text one operand of JQL.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text) + `"`
}

// candidate is an issue that a search for a mark finds.
type candidate struct {
	ID, Key    string
	Properties map[string]json.RawMessage
}

func (c candidate) isMarked(label string) bool {
	var m mark
	return json.Unmarshal(c.Properties[markProperty], &m) == nil && m.Label == label
}

// candidates is a guarded call of its own.
func (c *Connector) candidates(ctx context.Context, query string, options ...guard.Option) ([]candidate, error) {
	type answer struct{ Issues []candidate }
	a, err := call[answer](ctx, c, searchIssues, atlassian.Request{Method: http.MethodPost, Path: "/rest/api/3/search/jql", Body: searchBody{
		JQL: query, Fields: []string{"key"}, MaxResults: maxCandidates, Properties: []string{markProperty},
	}}, options...)
	return a.Issues, err
}
