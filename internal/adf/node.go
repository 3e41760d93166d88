package adf

import (
	"slices"
	"strings"
	"unicode"
)

// Document is the root of a document. It encodes as JSON that is valid by
// Atlassian's schema.
type Document struct {
	Type    string `json:"type"`    // doc
	Version int    `json:"version"` // 1
	Content []Node `json:"content"` // never null
}

// Node is one node of a document. Text is set for the type text only.
type Node struct {
	Type    string `json:"type"`
	Attrs   *Attrs `json:"attrs,omitempty"`
	Content []Node `json:"content,omitempty"`
	Text    string `json:"text,omitempty"`
	Marks   []Mark `json:"marks,omitempty"`
}

// Mark is formatting of a text.
type Mark struct {
	Type  string `json:"type"`
	Attrs *Attrs `json:"attrs,omitempty"`
}

// Attrs are the attributes of nodes and marks.
type Attrs struct {
	Level    int    `json:"level,omitempty"`    // heading, 1 to 6
	Order    *int   `json:"order,omitempty"`    // orderedList: its first number
	Language string `json:"language,omitempty"` // codeBlock
	LocalID  string `json:"localId,omitempty"`  // taskList, taskItem: unique in the document
	State    string `json:"state,omitempty"`    // taskItem: TODO or DONE
	Href     string `json:"href,omitempty"`     // link
}

// style is the formatting of a piece of text.
type style struct {
	em, strong, strike, code bool
	href                     string
}

// marks returns the marks of a style. ADF allows code together with a link only.
func (s style) marks() []Mark {
	var marks []Mark
	for _, m := range []struct {
		name string
		set  bool
	}{
		{"strong", s.strong && !s.code}, {"em", s.em && !s.code}, {"strike", s.strike && !s.code}, {"code", s.code},
	} {
		if m.set {
			marks = append(marks, Mark{Type: m.name})
		}
	}
	if s.href != "" {
		marks = append(marks, Mark{Type: "link", Attrs: &Attrs{Href: s.href}})
	}
	return marks
}

// line is the inline content of a paragraph, under construction: nodes, and the
// text that the next one begins with.
type line struct {
	nodes []Node
	text  strings.Builder
	marks []Mark
}

// add appends text. Line ends in it become breaks, but for code, which cannot
// be broken.
func (l *line) add(text string, s style) {
	if s.code {
		l.addText(strings.ReplaceAll(text, "\n", " "), s.marks())
		return
	}
	for i, part := range strings.Split(text, "\n") {
		if i > 0 {
			l.end()
			l.nodes = append(l.nodes, Node{Type: "hardBreak"})
		}
		l.addText(part, s.marks())
	}
}

func (l *line) addText(text string, marks []Mark) {
	if text == "" {
		return
	}
	if !slices.EqualFunc(l.marks, marks, sameMark) {
		l.end()
	}
	l.marks = marks
	l.text.WriteString(text)
}

// end makes a node of the text, if there is any: an empty one would be invalid.
func (l *line) end() {
	if l.text.Len() > 0 {
		l.nodes = append(l.nodes, Node{Type: "text", Text: plain(l.text.String()), Marks: l.marks})
		l.text.Reset()
	}
}

func sameMark(a, b Mark) bool {
	return a.Type == b.Type && (a.Attrs == nil) == (b.Attrs == nil) && (a.Attrs == nil || a.Attrs.Href == b.Attrs.Href)
}

// plain replaces control characters, which Jira cannot store.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' && r != '\n' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
