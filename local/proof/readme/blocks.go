// Package readme holds the project's README to what it says: its test takes
// every command out of it and runs it.
package readme

import (
	"regexp"
	"strings"
)

// block is a fenced block of shell commands, or one command in a table.
type block struct {
	heading string // the nearest above
	text    string
}

var inline = regexp.MustCompile("`(curl [^`]+)`")

// blocks finds the commands in Markdown: blocks fenced as sh, and curl commands
// in code spans, in their order.
func blocks(markdown string) []block {
	var found []block
	var heading, language string
	var fenced []string
	for line := range strings.Lines(markdown) {
		line = strings.TrimSuffix(line, "\n")
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && fenced == nil:
			language, fenced = fence, []string{}
		case isFence:
			if language == "sh" {
				found = append(found, block{heading, strings.Join(fenced, "\n")})
			}
			fenced = nil
		case fenced != nil:
			fenced = append(fenced, line)
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimLeft(line, "# ")
		default:
			for _, match := range inline.FindAllStringSubmatch(line, -1) {
				found = append(found, block{heading, match[1]})
			}
		}
	}
	return found
}
