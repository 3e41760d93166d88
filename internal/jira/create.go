package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/coldfuse/coldfuse/internal/adf"
	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/pkg/breaker"
)

// Jira's own limits of an issue, in characters. Names of types are shorter.
const (
	maxSummary   = 255
	maxLabel     = 255
	maxIssueType = 100
)

// newIssue is the body of a create request.
type newIssue struct {
	ProjectKey     string                     `json:"project_key"`
	IssueType      string                     `json:"issue_type"`
	Summary        string                     `json:"summary"`
	Description    string                     `json:"description"`
	DescriptionADF map[string]json.RawMessage `json:"description_adf"`
	Labels         []string                   `json:"labels"`
	Fields         map[string]json.RawMessage `json:"fields"`
}

// problem returns the first invalid field of the body and what is wrong with it, or
// "", "".
func (n newIssue) problem() (field, problem string) {
	switch {
	case !isProjectKey(n.ProjectKey):
		return "project_key", "want a project's key such as OPS"
	case n.IssueType == "" || utf8.RuneCountInString(n.IssueType) > maxIssueType:
		return "issue_type", "want the name of an issue type"
	case strings.TrimSpace(n.Summary) == "" || utf8.RuneCountInString(n.Summary) > maxSummary || strings.ContainsAny(n.Summary, "\r\n"):
		return "summary", "want one line of 1 to 255 characters"
	case n.Description != "" && n.DescriptionADF != nil:
		return "description_adf", "give either description or description_adf"
	case utf8.RuneCountInString(n.Description) > adf.MaxLength:
		return "description", "want at most 32,767 characters"
	case slices.ContainsFunc(n.Labels, isNoLabel):
		return "labels", "want labels without spaces, of at most 255 characters"
	}
	for _, name := range slices.Sorted(maps.Keys(n.Fields)) { // sorted: the same field each time
		switch {
		case !isFieldName(name):
			return "fields", "want names of fields such as priority or customfield_10010"
		case slices.Contains([]string{"project", "issuetype", "summary", "description", "labels"}, name):
			return "fields", name + " has a place of its own in the body"
		}
	}
	return "", ""
}

func isNoLabel(label string) bool {
	return label == "" || utf8.RuneCountInString(label) > maxLabel || strings.ContainsAny(label, " \t\r\n")
}

// fields returns the fields of the issue as Jira's API names them.
func (n newIssue) fields() map[string]any {
	fields := map[string]any{
		"project":   map[string]string{"key": n.ProjectKey},
		"issuetype": map[string]string{"name": n.IssueType},
		"summary":   n.Summary,
	}
	for name, value := range n.Fields {
		fields[name] = value
	}
	if n.Description != "" {
		fields["description"] = adf.FromMarkdown(n.Description)
	}
	if n.DescriptionADF != nil {
		fields["description"] = n.DescriptionADF
	}
	if len(n.Labels) > 0 {
		fields["labels"] = n.Labels
	}
	return fields
}

// renameFields returns err with the fields that Jira rejected under the body's
// names. It changes err.
func (n newIssue) renameFields(err error) error {
	e, ok := errors.AsType[*atlassian.Error](err)
	if !ok {
		return err
	}
	names := map[string]string{"project": "project_key", "issuetype": "issue_type"}
	if n.DescriptionADF != nil {
		names["description"] = "description_adf"
	}
	for jiras, ours := range names {
		if text, wrong := e.Fields[jiras]; wrong {
			delete(e.Fields, jiras)
			e.Fields[ours] = text
		}
	}
	return err
}

// errLate: the claim's time to send the request was over.
var errLate = fmt.Errorf("jira: too late to send: %w", context.Canceled)

func always() bool { return true }

// post sends a create request if allowed reports true at that moment. It is retried
// only if Jira cannot have created the issue.
func (c *Connector) post(ctx context.Context, body map[string]any, allowed func() bool) (Issue, error) {
	issue, err := guard.Run(ctx, c.guard, createIssue, func(ctx context.Context) (Issue, error) {
		if !allowed() {
			return Issue{}, errLate
		}
		var issue Issue
		err := c.client.Do(ctx, atlassian.Request{Method: http.MethodPost, Path: "/rest/api/3/issue", Body: body, Changes: true}, &issue)
		if err == nil && issue.Key == "" {
			err = atlassian.Unusable(http.StatusCreated, true)
		}
		issue.URL = c.browse(issue.Key)
		return issue, err
	})
	if _, told := errors.AsType[*atlassian.Error](err); err != nil && !told && !createdNothing(err) {
		// An abandoned try, which may still be executed.
		err = errors.Join(&atlassian.Error{Reason: breaker.ReasonTimeout, Ambiguous: true}, err)
	}
	return issue, err
}
