package adf

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// grammar is what of Atlassian's schema (adf-schema, full.json) our documents
// use: which children each node may have, and which attributes.
var grammar = map[string]struct {
	children, attrs string
	needsContent    bool
}{
	"doc":         {children: "paragraph heading rule codeBlock blockquote bulletList orderedList taskList table"},
	"paragraph":   {children: "text hardBreak"},
	"heading":     {children: "text hardBreak", attrs: "level"},
	"rule":        {},
	"hardBreak":   {},
	"text":        {},
	"codeBlock":   {children: "text", attrs: "language?"},
	"blockquote":  {children: "paragraph bulletList orderedList codeBlock", needsContent: true},
	"bulletList":  {children: "listItem", needsContent: true},
	"orderedList": {children: "listItem", attrs: "order?", needsContent: true},
	"listItem":    {children: "paragraph bulletList orderedList codeBlock", needsContent: true},
	"taskList":    {children: "taskItem", attrs: "localId", needsContent: true},
	"taskItem":    {children: "text hardBreak", attrs: "localId state"},
	"table":       {children: "tableRow", needsContent: true},
	"tableRow":    {children: "tableHeader tableCell", needsContent: true},
	"tableHeader": {children: "paragraph", needsContent: true},
	"tableCell":   {children: "paragraph", needsContent: true},
}

type object = map[string]any

// judge fails the test unless the document, as JSON, is valid.
func judge(t *testing.T, d Document) {
	t.Helper()
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var doc object
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if doc["version"] != 1.0 || doc["type"] != "doc" || doc["content"] == nil {
		t.Fatalf("no document: %s", raw)
	}
	delete(doc, "version")
	j := judgement{ids: map[string]bool{}}
	j.node(doc, 0)
	if len(j.problems) > 0 {
		t.Fatalf("%s\n%s", strings.Join(j.problems, "\n"), raw)
	}
}

type judgement struct {
	problems []string
	ids      map[string]bool
}

func (j *judgement) wrong(format string, args ...any) {
	j.problems = append(j.problems, fmt.Sprintf(format, args...))
}

func (j *judgement) node(n object, depth int) {
	kind, _ := n["type"].(string)
	g, known := grammar[kind]
	if !known || depth > 2*maxDepth {
		j.wrong("%q at depth %d", kind, depth)
		return
	}
	for name := range n {
		if !slices.Contains([]string{"type", "attrs", "content", "text", "marks"}, name) {
			j.wrong("%s has %s", kind, name)
		}
	}
	j.attrs(kind, g.attrs, n)
	content, _ := n["content"].([]any)
	if g.needsContent && len(content) == 0 || g.children == "" && n["content"] != nil {
		j.wrong("%s with %d children", kind, len(content))
	}
	for i, raw := range content {
		child, _ := raw.(object)
		name, _ := child["type"].(string)
		if !slices.Contains(strings.Fields(g.children), name) {
			j.wrong("%s in %s", name, kind)
		}
		if kind == "listItem" && i == 0 && name != "paragraph" && name != "codeBlock" {
			j.wrong("an item begins with %s", name)
		}
		if kind == "codeBlock" && child["marks"] != nil {
			j.wrong("marked code")
		}
		j.node(child, depth+1)
	}
	if text, _ := n["text"].(string); (kind == "text") != (text != "") || kind != "text" && n["marks"] != nil {
		j.wrong("%s with text %q", kind, text)
	}
	j.marks(n)
}

func (j *judgement) attrs(kind, want string, n object) {
	attrs, _ := n["attrs"].(object)
	for _, name := range strings.Fields(want) {
		optional := strings.HasSuffix(name, "?")
		if name = strings.TrimSuffix(name, "?"); attrs[name] == nil && !optional {
			j.wrong("%s without %s", kind, name)
		}
	}
	for name, value := range attrs {
		text, _ := value.(string)
		number, isNumber := value.(float64)
		ok := strings.Contains(want, name)
		switch name {
		case "level":
			ok = ok && number >= 1 && number <= 6
		case "order":
			ok = ok && isNumber && number >= 0
		case "state":
			ok = ok && (text == "TODO" || text == "DONE")
		case "localId":
			ok = ok && text != "" && !j.ids[text]
			j.ids[text] = true
		}
		if !ok {
			j.wrong("%s with %s=%v", kind, name, value)
		}
	}
}

func (j *judgement) marks(n object) {
	marks, _ := n["marks"].([]any)
	seen := map[string]bool{}
	for _, raw := range marks {
		mark, _ := raw.(object)
		kind, _ := mark["type"].(string)
		attrs, _ := mark["attrs"].(object)
		href, _ := attrs["href"].(string)
		if !slices.Contains([]string{"strong", "em", "strike", "code", "link"}, kind) || seen[kind] || (kind == "link") != (href != "") {
			j.wrong("mark %v", mark)
		}
		if kind == "link" && !safe(href) {
			j.wrong("link to %q", href)
		}
		seen[kind] = true
	}
	if seen["code"] && (seen["strong"] || seen["em"] || seen["strike"]) {
		j.wrong("code with %v", marks)
	}
}

func safe(href string) bool {
	u, err := url.Parse(href)
	return err == nil && (strings.HasPrefix(href, "mailto:") ||
		(strings.HasPrefix(href, "http://") || strings.HasPrefix(href, "https://")) && u.Host != "")
}

func encoded(t *testing.T, markdown string) string {
	t.Helper()
	raw, err := json.Marshal(FromMarkdown(markdown))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
