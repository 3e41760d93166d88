package jira

// What an issue's fields hold is passed on as Jira says it, but for what serves
// Jira's own pages and makes two thirds of an answer:
//
//   - self, iconUrl, avatarUrls, avatarId and entityId, of whatever they are:
//     links of Jira's API, pictures, and ids of them;
//   - the description of a status or of an issue type.
//
// What a content holds, as the text of documents (ADF) is, is left alone.

// slim shortens an issue's fields, one JSON value, within their own memory. It
// gives nil if they are not valid.
func slim(fields []byte) []byte {
	s := scanner{in: fields}
	s.blanks()
	short, ok := s.slim()
	s.blanks()
	if !ok || s.at != len(s.in) {
		return nil
	}
	return short
}

// slim reads an issue's fields and shortens them.
func (s *scanner) slim() (fields []byte, ok bool) {
	s.out, s.kept = s.in[s.at:s.at], s.at
	if s.peek() == '{' { // the names are the fields' own: all stay
		ok = s.object(func(name []byte) (drop, ok bool) { return false, s.value(partOf(name)) })
	} else {
		ok = s.value(whole)
	}
	if !ok {
		return nil, false
	}
	return append(s.out, s.in[s.kept:s.at]...), true
}

// part is what a value is part of.
type part uint8

const (
	thing     part = iota // whatever
	described             // a status or an issue type
	whole                 // left alone
)

func partOf(name []byte) part {
	switch string(name) {
	case "status", "issuetype":
		return described
	case "content":
		return whole
	default:
		return thing
	}
}

func (p part) drops(name []byte) bool {
	switch string(name) {
	case "self", "iconUrl", "avatarUrls", "avatarId", "entityId":
		return true
	case "description":
		return p == described
	default:
		return false
	}
}

// value reads the next value, shortened as the part it is.
func (s *scanner) value(p part) bool {
	switch s.peek() {
	case '{':
		return s.object(func(name []byte) (drop, ok bool) {
			switch {
			case p == whole:
				return false, s.value(whole)
			case p.drops(name):
				return true, s.value(whole)
			default:
				return false, s.value(partOf(name))
			}
		})
	case '[':
		return s.array(func() bool { return s.value(p) })
	case '"':
		_, ok := s.text()
		return ok
	default:
		return s.scalar()
	}
}
