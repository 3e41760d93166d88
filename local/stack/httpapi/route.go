package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Invoker is the integration of a route: a Lambda function.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Route sends requests to a function.
type Route struct {
	Method     string        // "GET", or "ANY"
	Path       string        // "/a/{id}", "/a/{proxy+}", or "$default"
	Authorizer Authorizer    // nil: open to everyone
	Throttle   *Throttle     // nil: the stage's
	Timeout    time.Duration // of the integration; zero: DefaultTimeout
	Target     Invoker
}

func (r Route) key() string {
	if r.Path == defaultPath {
		return defaultPath
	}
	return r.Method + " " + r.Path
}

const defaultPath = "$default"

// entry is a route made ready to match.
type entry struct {
	Route
	segments []segment
	bucket   *bucket
}

// segment is one part of a route's path. Their order is how specific they are.
type segment struct {
	kind segmentKind
	text string // the literal, or the variable's name
}

type segmentKind int

const (
	literal segmentKind = iota
	variable
	greedy
)

func parsePath(path string) ([]segment, error) {
	if path == defaultPath {
		return []segment{{greedy, ""}}, nil
	}
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return nil, fmt.Errorf("route path %q: want a leading /", path)
	}
	var segments []segment
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		name, isVariable := strings.CutPrefix(part, "{")
		if !isVariable {
			segments = append(segments, segment{literal, part})
			continue
		}
		name, closed := strings.CutSuffix(name, "}")
		name, isGreedy := strings.CutSuffix(name, "+")
		if !closed || name == "" || isGreedy && i < len(parts)-1 {
			return nil, fmt.Errorf("route path %q: bad variable %q", path, part)
		}
		kind := variable
		if isGreedy {
			kind = greedy
		}
		segments = append(segments, segment{kind, name})
	}
	return segments, nil
}

// moreSpecific orders the routes: full matches before greedy ones before
// $default, literals before variables, and a method before ANY.
func moreSpecific(a, b entry) int {
	bySegment := slices.CompareFunc(a.segments, b.segments, func(x, y segment) int { return cmp.Compare(x.kind, y.kind) })
	return cmp.Or(
		cmp.Compare(a.rank(), b.rank()),
		bySegment,
		cmp.Compare(anyLast(a.Method), anyLast(b.Method)),
	)
}

func (e entry) rank() int {
	switch {
	case e.Path == defaultPath:
		return 2
	case e.segments[len(e.segments)-1].kind == greedy:
		return 1
	default:
		return 0
	}
}

func anyLast(method string) int {
	if method == "ANY" {
		return 1
	}
	return 0
}

// match returns the path's variables, decoded, if the route takes the request.
func (e entry) match(method, escapedPath string) (map[string]string, bool) {
	if e.Path == defaultPath {
		return nil, true
	}
	if e.Method != "ANY" && e.Method != method {
		return nil, false
	}
	parts := strings.Split(strings.TrimPrefix(escapedPath, "/"), "/")
	params := map[string]string{}
	for i, s := range e.segments {
		if i >= len(parts) {
			return nil, false
		}
		value := parts[i]
		if s.kind == greedy {
			value = strings.Join(parts[i:], "/")
			parts = parts[:i+1]
		}
		decoded, err := url.PathUnescape(value)
		if err != nil || s.kind == literal && decoded != s.text || s.kind != literal && value == "" {
			return nil, false
		}
		if s.kind != literal {
			params[s.text] = decoded
		}
	}
	return params, len(parts) == len(e.segments)
}
