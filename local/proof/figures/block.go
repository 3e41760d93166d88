package main

import (
	"fmt"
	"strings"
)

const end = "<!-- end -->\n"

// replace returns a page with another text in one of its blocks.
func replace(page, block, text string) (string, error) {
	begin := "<!-- figures: " + block + " -->\n"
	before, rest, ok := strings.Cut(page, begin)
	if !ok {
		return "", fmt.Errorf("the page has no block %q", block)
	}
	old, after, ok := strings.Cut(rest, end)
	if !ok || strings.Contains(old, "<!-- figures:") {
		return "", fmt.Errorf("block %q has no end", block)
	}
	if strings.Contains(after, begin) {
		return "", fmt.Errorf("the page has block %q twice", block)
	}
	return before + begin + text + end + after, nil
}
