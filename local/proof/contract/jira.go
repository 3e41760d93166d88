package contract

import (
	_ "embed"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed jira.json
var jiraJSON []byte

// Jira is Jira Cloud's REST API, version 3.
func Jira() (*Description, error) {
	doc, err := load(jiraJSON, "jira")
	if err != nil {
		return nil, err
	}
	schemas := doc.Components.Schemas
	for name, fields := range jiraRequired() {
		schemas[name].Value.Required = fields
	}
	// Fields are of any type there, and unknown names may stand next to
	// them.
	change := schemas["IssueUpdateDetails"].Value
	change.WithoutAdditionalProperties()
	for _, fields := range []*openapi3.SchemaRef{change.Properties["fields"], schemas["IssueBean"].Value.Properties["fields"]} {
		fields.Value.WithProperty("description", richText()).WithProperty("environment", richText())
		fields.Value.AdditionalProperties.Schema.Value.Nullable = true // as any type is, but not to kin-openapi
	}
	// The type of Jira Product Discovery is missing there.
	kinds := schemas["Project"].Value.Properties["projectTypeKey"].Value
	kinds.Enum = append(kinds.Enum, "product_discovery")
	description, err := newDescription(doc, schemas["ErrorCollection"].Value, edgeError())
	if err != nil {
		return nil, err
	}
	// Times have no colon in their offset, in the document's own examples too.
	description.options.SchemaValidationOptions = []openapi3.SchemaValidationOption{
		openapi3.WithStringFormatValidator("date-time", openapi3.NewCallbackValidator(func(s string) error {
			_, err := time.Parse("2006-01-02T15:04:05.000-0700", s)
			return err
		})),
	}
	return description, nil
}

// jiraRequired is what the connector reads of each answer. The description
// requires nothing; the service always has it.
func jiraRequired() map[string][]string {
	return map[string][]string{
		"ServerInformation":         {"baseUrl", "version", "deploymentType", "serverTitle"},
		"User":                      {"accountId", "active"},
		"SearchAndReconcileResults": {"issues"}, // isLast may be missing
		"IssueBean":                 {"id"},
		"CreatedIssue":              {"id", "key", "self"},
		"EntityProperty":            {"key", "value"},
		"PageBeanProject":           {"values", "isLast", "startAt", "maxResults", "total"},
		"Project":                   {"id", "key", "name", "projectTypeKey"},
		"IssueTypeDetails":          {"id", "name", "description", "subtask"},
	}
}

// richText is an Atlassian document or absent. A plain string is invalid in
// version 3 (developer.atlassian.com/cloud/jira/platform/apis/document/structure).
func richText() *openapi3.Schema {
	node := openapi3.NewObjectSchema().WithProperty("type", openapi3.NewStringSchema().WithMinLength(1)).WithAnyAdditionalProperties()
	node.Required = []string{"type"}
	document := openapi3.NewObjectSchema().
		WithProperty("type", openapi3.NewStringSchema().WithEnum("doc")).
		WithProperty("version", openapi3.NewIntegerSchema().WithEnum(1.0)).
		WithProperty("content", openapi3.NewArraySchema().WithItems(node)).
		WithoutAdditionalProperties().WithNullable()
	document.Required = []string{"type", "version", "content"}
	return document
}
