package contract

import _ "embed"

//go:embed confluence.yaml
var confluenceYAML []byte

// Confluence is the part used of Confluence Cloud's REST APIs, versions 2 and,
// for the search by CQL alone, 1.
func Confluence() (*Description, error) {
	doc, err := load(confluenceYAML, "confluence")
	if err != nil {
		return nil, err
	}
	schemas := doc.Components.Schemas
	return newDescription(doc, schemas["Errors"].Value, schemas["Error"].Value, edgeError())
}
