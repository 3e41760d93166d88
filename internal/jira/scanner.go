package jira

import "encoding/json"

// maxDepth is encoding/json's.
const maxDepth = 10_000

// scanner reads JSON once, as strictly as encoding/json, which goes over it
// three times, and that is most of what a search costs. Members that are to be
// left out it closes up over: it has never written more than it has read.
type scanner struct {
	in    []byte
	at    int
	depth int

	out  []byte // what is kept of in[:kept]
	kept int
}

// object reads an object, each member's value by member, which reports whether to
// leave the member out.
func (s *scanner) object(member func(name []byte) (drop, ok bool)) bool {
	if !s.enter() {
		return false
	}
	if s.peek() == '}' {
		return s.leave()
	}
	first, from := true, s.at // of those that stay; where it begins with its comma
	for {
		name, ok := s.text()
		if !ok || !s.colon() {
			return false
		}
		drop, ok := member(name)
		if !ok {
			return false
		}
		s.blanks()
		more := s.peek() == ','
		switch {
		case drop && first && more: // the comma after it goes too
			s.cut(from, s.at+1)
		case drop:
			s.cut(from, s.at)
		}
		first = first && drop
		if !more {
			return s.peek() == '}' && s.leave()
		}
		from = s.at
		s.at++
		if first {
			from = s.at
		}
		s.blanks()
	}
}

// array reads an array, each element by element.
func (s *scanner) array(element func() bool) bool {
	if !s.enter() {
		return false
	}
	if s.peek() == ']' {
		return s.leave()
	}
	for {
		if !element() {
			return false
		}
		s.blanks()
		if s.peek() != ',' {
			return s.peek() == ']' && s.leave()
		}
		s.at++
		s.blanks()
	}
}

func (s *scanner) enter() bool {
	s.at++
	s.depth++
	s.blanks()
	return s.depth <= maxDepth
}

func (s *scanner) leave() bool {
	s.at++
	s.depth--
	return true
}

func (s *scanner) colon() bool {
	s.blanks()
	if s.peek() != ':' {
		return false
	}
	s.at++
	s.blanks()
	return true
}

// cut leaves out in[from:to].
func (s *scanner) cut(from, to int) {
	s.out = append(s.out, s.in[s.kept:from]...)
	s.kept = to
}

// text reads a string and gives it as it is written.
func (s *scanner) text() (raw []byte, ok bool) {
	if s.peek() != '"' {
		return nil, false
	}
	in, from := s.in, s.at+1
	for at := from; at < len(in); at++ {
		switch c := in[at]; {
		case c == '"':
			s.at = at + 1
			return in[from:at], true
		case c < ' ':
			return nil, false
		case c == '\\':
			n := escape(in[at:])
			if n == 0 {
				return nil, false
			}
			at += n - 1
		}
	}
	return nil, false
}

// escape returns the length of the escape that in begins with, 0 if it is none.
func escape(in []byte) int {
	if len(in) < 2 {
		return 0
	}
	switch in[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(in) >= 6 && isHex(in[2]) && isHex(in[3]) && isHex(in[4]) && isHex(in[5]) {
			return 6
		}
	}
	return 0
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// scalar reads a number, true, false or null. They are short: encoding/json
// reports whether they are right.
func (s *scanner) scalar() bool {
	from := s.at
	for c := s.peek(); isLetter(c) || isDigit(c) || c == '-' || c == '+' || c == '.'; c = s.peek() {
		s.at++
	}
	switch string(s.in[from:s.at]) {
	case "null", "true", "false":
		return true
	}
	return json.Valid(s.in[from:s.at])
}

func (s *scanner) blanks() {
	for s.at < len(s.in) && (s.in[s.at] == ' ' || s.in[s.at] == '\n' || s.in[s.at] == '\t' || s.in[s.at] == '\r') {
		s.at++
	}
}

// peek returns the next byte, 0 at the end, which no JSON begins with.
func (s *scanner) peek() byte {
	if s.at < len(s.in) {
		return s.in[s.at]
	}
	return 0
}
