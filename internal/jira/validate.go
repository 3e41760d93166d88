package jira

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of names. A project's key is at most 255 characters in Jira, a number
// at most 18 digits of an int64.
const (
	maxProjectKey = 255
	maxDigits     = 18
	maxFieldName  = 100
	maxFields     = 50
)

// These are loops, not regular expressions: compiling those would take longer than
// the rest of the function's start.

// isIssueKey accepts an issue's number, or its project's key, '-' and number.
func isIssueKey(s string) bool {
	project, digits, keyed := strings.Cut(s, "-")
	if !keyed {
		return isNumber(s)
	}
	return isProjectKey(project) && isNumber(digits)
}

func isProjectKey(s string) bool {
	return len(s) <= maxProjectKey && s != "" && isLetter(s[0]) && consistsOf(s, func(c byte) bool {
		return isLetter(c) || isDigit(c) || c == '_'
	})
}

func isNumber(s string) bool { return s != "" && len(s) <= maxDigits && consistsOf(s, isDigit) }

// namesProblem returns what is wrong with a list of names, or "". want says what one
// of them should be.
func namesProblem(names []string, want string) string {
	switch {
	case len(names) > maxFields:
		return fmt.Sprintf("want at most %d names", maxFields)
	case slices.ContainsFunc(names, isNoListName):
		return want
	default:
		return ""
	}
}

// isNoListName reports whether Jira rejects the name in a list of fields. It accepts
// "summary", "customfield_10010", "*navigable" and "-comment".
func isNoListName(name string) bool {
	bare := strings.TrimLeft(name, "*-")
	return len(name) > maxFieldName || len(name)-len(bare) > 2 || !isFieldName(bare)
}

func isFieldName(s string) bool {
	return s != "" && len(s) <= maxFieldName && consistsOf(s, func(c byte) bool {
		return isLetter(c) || isDigit(c) || c == '_' || c == '.'
	})
}

func consistsOf(s string, in func(byte) bool) bool {
	for i := range len(s) {
		if !in(s[i]) {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
