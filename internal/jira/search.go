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
	"github.com/coldfuse/coldfuse/internal/jsontrim"
)

// Search is a bounded JQL query.
type Search struct {
	JQL    string
	Fields []string
	Limit  int
	Token  string // Jira's own
}

// searchBody is the body of a search request.
type searchBody struct {
	JQL           string   `json:"jql"`
	Fields        []string `json:"fields"`
	MaxResults    int      `json:"maxResults"`
	NextPageToken string   `json:"nextPageToken,omitempty"`
	Properties    []string `json:"properties,omitempty"`
}

// Search returns a page of the issues that match.
func (c *Connector) Search(ctx context.Context, s Search) (gateway.Page[Issue], error) {
	a, err := call[searchResult](ctx, c, searchIssues, atlassian.Request{
		Method: http.MethodPost, Path: "/rest/api/3/search/jql",
		Body: searchBody{JQL: s.JQL, Fields: s.Fields, MaxResults: s.Limit, NextPageToken: s.Token},
	})
	if s.Token == "" { // otherwise a 400 may mean an expired token
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

// searchResult is Jira's answer. Its issues are slices of the answer's own
// bytes, trimmed.
type searchResult struct {
	issues []foundIssue
	next   string
	isLast bool
}

type foundIssue struct{ id, key, fields []byte }

// issue converts one result. The strings of an Issue share one allocation.
func (c *Connector) issue(f foundIssue) Issue {
	if bytes.IndexByte(f.id, '\\') >= 0 || !isIssueKey(string(f.key)) { // Jira never writes them so
		key := unquote(f.key)
		return Issue{ID: unquote(f.id), Key: key, URL: c.browse(key), Fields: f.fields}
	}
	text := c.site + "/browse/" + string(f.key) + string(f.id)
	end := len(text) - len(f.id)
	return Issue{ID: text[end:], Key: text[end-len(f.key) : end], URL: text[:end], Fields: f.fields}
}

var errMalformedSearch = errors.New("jira: malformed search result")

// Decode reads the answer. It changes body and keeps it.
func (a *searchResult) Decode(body []byte) error {
	s := jsontrim.NewScanner(body)
	if !s.Object(func(name []byte) bool { return a.member(s, name) }) || !s.AtEnd() {
		return errMalformedSearch
	}
	return nil
}

func (a *searchResult) member(s *jsontrim.Scanner, name []byte) (ok bool) {
	switch string(name) {
	case "issues":
		if s.Peek() == 'n' { // null
			return s.Scalar()
		}
		return s.Array(func() bool { return a.issue(s) })
	case "nextPageToken":
		if s.Peek() == 'n' {
			return s.Scalar()
		}
		raw, ok := s.RawString()
		a.next = unquote(raw)
		return ok
	case "isLast":
		a.isLast = s.Peek() == 't'
		return s.Scalar()
	default:
		return s.Skip()
	}
}

// issue reads one of the issues.
func (a *searchResult) issue(s *jsontrim.Scanner) (ok bool) {
	var found foundIssue
	ok = s.Object(func(name []byte) (ok bool) {
		switch string(name) {
		case "id":
			found.id, ok = s.RawString()
		case "key":
			found.key, ok = s.RawString()
		case "fields":
			found.fields, ok = s.Fields()
		default:
			ok = s.Skip()
		}
		return ok
	})
	a.issues = append(a.issues, found)
	return ok
}

// unquote decodes a JSON string, given without its quotes.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	var text string
	_ = json.Unmarshal(append(append([]byte{'"'}, raw...), '"'), &text) // it was read as a string
	return text
}

func (c *Connector) browse(key string) string { return c.site + "/browse/" + url.PathEscape(key) }
