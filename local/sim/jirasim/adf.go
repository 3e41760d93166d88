package jirasim

import (
	"encoding/json"
	"slices"
	"strings"
)

// node is one of an Atlassian Document
// (https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/).
type node struct {
	Type    string         `json:"type"`
	Version int            `json:"version,omitempty"` // of the doc only
	Text    string         `json:"text,omitempty"`
	Content []node         `json:"content,omitempty"`
	Attrs   map[string]any `json:"attrs,omitempty"`
	Marks   []mark         `json:"marks,omitempty"`
}

type mark struct {
	Type  string         `json:"type"`
	Attrs map[string]any `json:"attrs,omitempty"`
}

// Jira's words for a value that is not a document, and for an invalid document.
const (
	noDocument  = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
	badDocument = "INVALID_INPUT"
)

// judgeDocument returns what Jira says against a document, or nothing.
func judgeDocument(raw json.RawMessage) string {
	var shape struct {
		Type    string          `json:"type"`
		Version int             `json:"version"`
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(raw, &shape) != nil || shape.Type != "doc" || shape.Version != 1 || shape.Content == nil {
		return noDocument
	}
	var doc node
	if json.Unmarshal(raw, &doc) != nil || !doc.valid() {
		return badDocument
	}
	return ""
}

// valid says whether every node may stand where it stands.
func (n node) valid() bool {
	children, known := mayContain(n.Type)
	if !known || (n.Type == "text") != (n.Text != "") || !n.validMarks() || !n.validAttrs() {
		return false
	}
	for _, child := range n.Content {
		if !slices.Contains(children, child.Type) || !child.valid() {
			return false
		}
		if n.Type == "codeBlock" && len(child.Marks) > 0 {
			return false
		}
	}
	return len(n.Content) > 0 || !needsContent(n.Type)
}

func (n node) validMarks() bool {
	for _, m := range n.Marks {
		known := strings.Fields("strong em code link strike underline subsup textColor backgroundColor")
		if n.Type != "text" || !slices.Contains(known, m.Type) {
			return false
		}
		if href, _ := m.Attrs["href"].(string); m.Type == "link" && href == "" {
			return false
		}
		if m.Type == "code" && slices.ContainsFunc(n.Marks, excludedByCode) {
			return false
		}
	}
	return true
}

// excludedByCode reports whether a mark is invalid together with code.
func excludedByCode(m mark) bool { return m.Type != "code" && m.Type != "link" }

func (n node) validAttrs() bool {
	if n.Type != "heading" {
		return true
	}
	level, ok := n.Attrs["level"].(float64)
	return ok && level >= 1 && level <= 6 && level == float64(int(level))
}

// needsContent reports whether a node must not be empty.
func needsContent(kind string) bool {
	return slices.Contains(strings.Fields("bulletList orderedList listItem blockquote panel table tableRow"), kind)
}

// mayContain returns the nodes that may stand directly inside one, and whether
// Jira knows that one.
func mayContain(kind string) (children []string, known bool) {
	const (
		inline = "text hardBreak mention emoji date status inlineCard"
		lists  = "paragraph bulletList orderedList codeBlock"
		cell   = lists + " heading blockquote rule panel blockCard taskList"
	)
	switch kind {
	case "doc", "expand":
		return strings.Fields(cell + " table expand"), true
	case "paragraph", "heading", "taskItem":
		return strings.Fields(inline), true
	case "bulletList", "orderedList":
		return []string{"listItem"}, true
	case "listItem", "blockquote":
		return strings.Fields(lists), true
	case "panel":
		return strings.Fields(lists + " heading rule taskList"), true
	case "codeBlock":
		return []string{"text"}, true
	case "table":
		return []string{"tableRow"}, true
	case "tableRow":
		return []string{"tableCell", "tableHeader"}, true
	case "tableCell", "tableHeader":
		return strings.Fields(cell), true
	case "taskList":
		return []string{"taskItem"}, true
	case "text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard", "rule", "blockCard":
		return nil, true
	default:
		return nil, false
	}
}

// plainText is the text of a document, without its structure.
func plainText(raw json.RawMessage) string {
	var doc node
	if len(raw) == 0 || json.Unmarshal(raw, &doc) != nil {
		return ""
	}
	var b strings.Builder
	var walk func(node)
	walk = func(n node) {
		b.WriteString(n.Text)
		for _, child := range n.Content {
			walk(child)
		}
		if n.Type != "text" {
			b.WriteByte('\n')
		}
	}
	walk(doc)
	return b.String()
}
