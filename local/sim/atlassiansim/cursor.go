package atlassiansim

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"time"
)

// Cursor is where a page begins. All pages of a list see it as it was At the
// first one.
type Cursor struct {
	Offset int       `json:"o"`
	At     time.Time `json:"a"`
	Query  uint64    `json:"q"` // hash of what was asked for
	// Emptied: the empty page that EmptyPage puts before this one has been given.
	Emptied bool `json:"e,omitempty"`
}

// FirstPage is where the list that query asks for begins.
func FirstPage(query string, now time.Time) Cursor {
	hash := fnv.New64a()
	hash.Write([]byte(query))
	return Cursor{At: now.Round(0), Query: hash.Sum64()}
}

// String is the token of a page. It has characters that a URL must escape.
func (c Cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic("atlassiansim: " + err.Error())
	}
	return base64.StdEncoding.EncodeToString(b)
}

// Resume returns where the page of a token begins, which must be of the same list
// as first. No token is the first page.
func (first Cursor) Resume(token string) (Cursor, bool) {
	if token == "" {
		return first, true
	}
	var c Cursor
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(b, &c) != nil {
		return Cursor{}, false
	}
	return c, c.Query == first.Query && c.Offset >= 0
}

// Window is the part of a list that makes a page.
type Window struct {
	First, Last int
	Next        string // token of the next page; empty: none
}

// Window cuts the page at a cursor out of a list of total entries, as the fault
// that strikes the call has it. Token is that of the request.
func (c *Call) Window(at Cursor, token string, total, size int) Window {
	first := min(at.Offset, total)
	if c.Struck(EmptyPage) && !at.Emptied {
		at.Emptied = true
		return Window{first, first, at.String()}
	}
	if c.Struck(ShortPages) {
		size = short(size, first)
	}
	last := min(first+size, total)
	at.Offset, at.Emptied = last, false
	switch {
	case last < total:
		return Window{first, last, at.String()}
	case c.Struck(RepeatToken):
		return Window{first, last, token}
	default:
		return Window{first, last, ""}
	}
}

// short is a size of 1 to size that differs from page to page, but not from
// time to time.
func short(size, first int) int { return 1 + (first*7+size/2)%max(size, 1) }
