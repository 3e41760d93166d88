package jira

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/gateway"
)

// Search is a bounded JQL query.
type Search struct {
	JQL    string
	Fields []string
	Limit  int
	Token  string // Jira's own
}

// searchBody is what Jira is asked.
type searchBody struct {
	JQL           string   `json:"jql"`
	Fields        []string `json:"fields"`
	MaxResults    int      `json:"maxResults"`
	NextPageToken string   `json:"nextPageToken,omitempty"`
	Properties    []string `json:"properties,omitempty"`
}

// Search returns a page of the issues that match.
func (c *Connector) Search(ctx context.Context, s Search) (gateway.Page[Issue], error) {
	a, err := call[searchAnswer](ctx, c, searchIssues, atlassian.Request{
		Method: http.MethodPost, Path: "/rest/api/3/search/jql",
		Body: searchBody{JQL: s.JQL, Fields: s.Fields, MaxResults: s.Limit, NextPageToken: s.Token},
	})
	if s.Token == "" { // else that may be too old
		err = atlassian.About("jql", err)
	}
	if err != nil {
		return gateway.Page[Issue]{}, err
	}
	page := gateway.Page[Issue]{Items: make([]Issue, len(a.issues)), Next: a.next}
	// isLast may be missing; a token that comes back unchanged leads nowhere.
	if a.isLast || page.Next == s.Token {
		page.Next = ""
	}
	for i, found := range a.issues {
		page.Items[i] = c.issue(found)
	}
	return page, nil
}

// searchAnswer is what Jira answers. Its issues are parts of the answer's own
// bytes, shortened.
type searchAnswer struct {
	issues []foundIssue
	next   string
	isLast bool
}

type foundIssue struct{ id, key, fields []byte }

// issue makes one of ours, whose texts share one string.
func (c *Connector) issue(f foundIssue) Issue {
	if bytes.IndexByte(f.id, '\\') >= 0 || !isIssueKey(string(f.key)) { // as no Jira writes them
		key := unquote(f.key)
		return Issue{ID: unquote(f.id), Key: key, URL: c.browse(key), Fields: f.fields}
	}
	text := c.site + "/browse/" + string(f.key) + string(f.id)
	end := len(text) - len(f.id)
	return Issue{ID: text[end:], Key: text[end-len(f.key) : end], URL: text[:end], Fields: f.fields}
}

var errNoAnswer = errors.New("jira: the answer of a search makes no sense")

// Decode reads the answer. It changes the bytes and keeps them.
func (a *searchAnswer) Decode(body []byte) error {
	s := scanner{in: body}
	s.blanks()
	if s.peek() != '{' || !s.object(func(name []byte) (drop, ok bool) { return false, a.member(&s, name) }) {
		return errNoAnswer
	}
	if s.blanks(); s.at != len(body) {
		return errNoAnswer
	}
	return nil
}

func (a *searchAnswer) member(s *scanner, name []byte) (ok bool) {
	switch string(name) {
	case "issues":
		if s.peek() == 'n' { // null
			return s.scalar()
		}
		return s.peek() == '[' && s.array(func() bool { return a.issue(s) })
	case "nextPageToken":
		if s.peek() == 'n' {
			return s.scalar()
		}
		raw, ok := s.text()
		a.next = unquote(raw)
		return ok
	case "isLast":
		a.isLast = s.peek() == 't'
		return s.scalar()
	default:
		return s.value(whole)
	}
}

// issue reads one of the issues.
func (a *searchAnswer) issue(s *scanner) (ok bool) {
	var found foundIssue
	if s.peek() != '{' {
		return false
	}
	ok = s.object(func(name []byte) (drop, ok bool) {
		switch string(name) {
		case "id":
			found.id, ok = s.text()
		case "key":
			found.key, ok = s.text()
		case "fields":
			found.fields, ok = s.slim()
		default:
			ok = s.value(whole)
		}
		return false, ok
	})
	a.issues = append(a.issues, found)
	return ok
}

// unquote returns the text of a string as JSON writes it.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	var text string
	_ = json.Unmarshal(append(append([]byte{'"'}, raw...), '"'), &text) // it was read as a string
	return text
}

func (c *Connector) browse(key string) string { return c.site + "/browse/" + url.PathEscape(key) }
