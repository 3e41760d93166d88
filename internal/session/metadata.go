package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// problem returns the invalid field of the data and what is wrong with it, or
// problem is "". It removes the insignificant spaces of the metadata.
func (d *Data) problem() (name, problem string) {
	if d.Title != nil && !isTitle(*d.Title) {
		return "session_data.title", fmt.Sprintf("want one line of at most %d characters", maxTitle)
	}
	if d.Metadata == nil {
		return "", ""
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, d.Metadata); err != nil || compact.Bytes()[0] != '{' {
		return "session_data.metadata", "want an object"
	}
	d.Metadata = compact.Bytes()
	if compact.Len() > maxMetadata {
		return "session_data.metadata", fmt.Sprintf("want at most %d bytes of JSON", maxMetadata)
	}
	var object any
	_ = json.Unmarshal(d.Metadata, &object) // it was compacted
	var s shape
	s.add(object, 1)
	return "session_data.metadata", s.problem
}

func isTitle(title string) bool {
	return utf8.RuneCountInString(title) <= maxTitle && !strings.ContainsFunc(title, unicode.IsControl)
}

// shape counts what a JSON value holds.
type shape struct {
	names   int
	problem string
}

func (s *shape) add(value any, depth int) {
	var within []any
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if len(name) > maxName {
				s.problem = fmt.Sprintf("want names of at most %d bytes", maxName)
			}
			within = append(within, inner)
		}
		s.names += len(v)
	case []any:
		within = v
	default:
		return
	}
	switch {
	case s.names > maxNames:
		s.problem = fmt.Sprintf("want at most %d names", maxNames)
	case depth > maxDepth:
		s.problem = fmt.Sprintf("want at most %d levels", maxDepth)
	}
	for _, inner := range within {
		if s.problem != "" {
			return
		}
		s.add(inner, depth+1)
	}
}
