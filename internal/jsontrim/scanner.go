package jsontrim

import "encoding/json"

// maxDepth is the deepest nesting that is accepted, encoding/json's own limit.
const maxDepth = 10_000

// Scanner reads JSON in one pass, as strictly as encoding/json, which makes
// three passes; those are most of the cost of a search. Dropped members are
// overwritten in place: output never overtakes input. Each method that reads
// reports whether the input was valid so far; after a false the Scanner is of no
// further use. It is for one goroutine.
//
// While fields are trimmed the input is in three parts:
//
//	{"a":1,"self":"x","b":2,"c":3}
//	|----|           |----|
//	 out    dropped  pending unread
//	                 ^     ^
//	                 kept  at
//
// cut copies the pending bytes behind out and moves kept over what is dropped.
type Scanner struct {
	in    []byte
	at    int // the next byte to read
	depth int

	out  []byte // what is kept of in[:kept]; it shares the memory of in
	kept int
}

// NewScanner returns a Scanner at the first value of in, which it changes and
// keeps.
func NewScanner(in []byte) *Scanner {
	s := &Scanner{in: in}
	s.blanks()
	return s
}

// AtEnd reports whether only blanks are left.
func (s *Scanner) AtEnd() bool {
	s.blanks()
	return s.at == len(s.in)
}

// Object reads an object. member reads one member's value.
func (s *Scanner) Object(member func(name []byte) (ok bool)) bool {
	return s.Peek() == '{' && s.object(func(name []byte) (drop, ok bool) { return false, member(name) })
}

// Array reads an array. element reads one element.
func (s *Scanner) Array(element func() (ok bool)) bool { return s.Peek() == '[' && s.array(element) }

// Skip reads any value.
func (s *Scanner) Skip() bool { return s.value(verbatim) }

// object reads an object. member reads one member's value and reports whether to
// drop the member, which takes one comma with it:
//
//	{"self":1,"a":2}     a dropped first member: the comma after it
//	 |-------|
//	{"a":2,"self":1}     any other: the comma before it
//	      |-------|
func (s *Scanner) object(member func(name []byte) (drop, ok bool)) bool {
	if !s.enter() {
		return false
	}
	if s.Peek() == '}' {
		return s.leave()
	}
	first, from := true, s.at // first: nothing was kept yet; from: where the member begins, with the comma before it
	for {
		name, ok := s.RawString()
		if !ok || !s.colon() {
			return false
		}
		drop, ok := member(name)
		if !ok {
			return false
		}
		s.blanks()
		more := s.Peek() == ','
		switch {
		case drop && first && more:
			s.cut(from, s.at+1)
		case drop:
			s.cut(from, s.at)
		}
		first = first && drop
		if !more {
			return s.Peek() == '}' && s.leave()
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
func (s *Scanner) array(element func() bool) bool {
	if !s.enter() {
		return false
	}
	if s.Peek() == ']' {
		return s.leave()
	}
	for {
		if !element() {
			return false
		}
		s.blanks()
		if s.Peek() != ',' {
			return s.Peek() == ']' && s.leave()
		}
		s.at++
		s.blanks()
	}
}

func (s *Scanner) enter() bool {
	s.at++
	s.depth++
	s.blanks()
	return s.depth <= maxDepth
}

func (s *Scanner) leave() bool {
	s.at++
	s.depth--
	return true
}

func (s *Scanner) colon() bool {
	s.blanks()
	if s.Peek() != ':' {
		return false
	}
	s.at++
	s.blanks()
	return true
}

// cut drops in[from:to].
func (s *Scanner) cut(from, to int) {
	s.out = append(s.out, s.in[s.kept:from]...)
	s.kept = to
}

// RawString reads a string. It returns the bytes between the quotes, escapes
// included.
func (s *Scanner) RawString() (raw []byte, ok bool) {
	if s.Peek() != '"' {
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

// escape returns the length of the escape at the start of in, or 0 if it is
// invalid.
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

// Scalar reads a number, true, false or null. They are short, so encoding/json
// judges them.
func (s *Scanner) Scalar() bool {
	from := s.at
	for c := s.Peek(); isLetter(c) || isDigit(c) || c == '-' || c == '+' || c == '.'; c = s.Peek() {
		s.at++
	}
	switch string(s.in[from:s.at]) {
	case "null", "true", "false":
		return true
	}
	return json.Valid(s.in[from:s.at])
}

func (s *Scanner) blanks() {
	for s.at < len(s.in) && (s.in[s.at] == ' ' || s.in[s.at] == '\n' || s.in[s.at] == '\t' || s.in[s.at] == '\r') {
		s.at++
	}
}

// Peek returns the next byte, or 0 at the end: no JSON value begins with 0.
func (s *Scanner) Peek() byte {
	if s.at < len(s.in) {
		return s.in[s.at]
	}
	return 0
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
