package jira

import "strings"

// document is plain text as an Atlassian Document: blank lines part paragraphs,
// other line ends are hard breaks. A description as a string is refused by v3.
func document(text string) map[string]any {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	content := []any{}
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		var line []any
		for i, s := range strings.Split(strings.Trim(paragraph, "\n"), "\n") {
			if i > 0 {
				line = append(line, map[string]any{"type": "hardBreak"})
			}
			if s != "" { // an empty text node is invalid
				line = append(line, map[string]any{"type": "text", "text": s})
			}
		}
		if len(line) > 0 {
			content = append(content, map[string]any{"type": "paragraph", "content": line})
		}
	}
	return map[string]any{"type": "doc", "version": 1, "content": content}
}
