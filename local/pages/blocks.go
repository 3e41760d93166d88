// Package pages reads the shell commands in the project's Markdown pages. The local
// stack prints them, and package readme runs them.
package pages

import (
	"regexp"
	"strings"
)

// Block is a fenced block of shell commands, or one command in a table.
type Block struct {
	Heading string // the nearest above
	Text    string // one command a line
}

var inline = regexp.MustCompile("`(curl [^`]+)`")

// Blocks returns the commands in Markdown, in order: blocks fenced as sh, and curl
// commands in code spans.
func Blocks(markdown string) []Block {
	var found []Block
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
				found = append(found, Block{heading, strings.Join(fenced, "\n")})
			}
			fenced = nil
		case fenced != nil:
			fenced = append(fenced, line)
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimLeft(line, "# ")
		default:
			for _, match := range inline.FindAllStringSubmatch(line, -1) {
				found = append(found, Block{heading, match[1]})
			}
		}
	}
	return found
}
