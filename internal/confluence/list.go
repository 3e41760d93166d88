package confluence

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

// list is one page of a list in an answer. The next page is named by a link in the
// body, in the header Link, or in both.
type list[T any] struct {
	Results []T
	Links   struct{ Next string } `json:"_links"`
	header  []string
}

// ReadHeader keeps the answer's Link header.
func (l *list[T]) ReadHeader(h http.Header) { l.header = h["Link"] }

// next returns the cursor of the next page, or "" after the last: there is no link,
// or it has no cursor, or the cursor is the one that was sent.
func (l *list[T]) next(sent string) string {
	cursor := cursorOf(l.Links.Next)
	if cursor == "" {
		cursor = cursorOf(nextLink(l.header))
	}
	if cursor == sent {
		return ""
	}
	return cursor
}

// readPage reads a page of a list at path, from the cursor on.
func readPage[T, U any](ctx context.Context, c *Connector, path string, query url.Values, cursor string, item func(*T) U) (gateway.Page[U], error) {
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	var l list[T]
	if err := c.get(ctx, path, query, &l); err != nil {
		return gateway.Page[U]{}, err
	}
	items := make([]U, len(l.Results))
	for i := range l.Results {
		items[i] = item(&l.Results[i])
	}
	return gateway.PageOf(items, l.next(cursor)), nil
}

// maxCursor is the longest cursor in bytes. Confluence's have some hundred; much
// longer ones, within our token, would not fit API Gateway's request line.
const maxCursor = 4 << 10

// cursorOf returns the cursor in a link to a next page, or "" if the link has no
// usable cursor. The link itself is never followed: v1 omits /wiki, Atlassian's
// gateway omits its own prefix, and our credentials would go wherever it points.
func cursorOf(link string) string {
	link, _, _ = strings.Cut(link, "#")
	_, query, _ := strings.Cut(link, "?")
	for pair := range strings.SplitSeq(query, "&") {
		value, is := strings.CutPrefix(pair, "cursor=")
		if !is || len(value) > 3*maxCursor {
			continue
		}
		cursor, err := url.QueryUnescape(value)
		if err != nil || len(cursor) > maxCursor {
			return ""
		}
		return cursor
	}
	return ""
}

// nextLink returns the target of rel="next" in Link headers (RFC 8288), such as
//
//	</wiki/api/v2/spaces?cursor=x>; rel="next", <https://site/wiki>; rel="base"
//
// A target can hold any character but '>'. It returns "" if there is no such link.
func nextLink(header []string) string {
	for _, rest := range header {
		for {
			_, after, found := strings.Cut(rest, "<")
			target, parameters, closed := strings.Cut(after, ">")
			if !found || !closed {
				break
			}
			parameters, rest, _ = strings.Cut(parameters, "<")
			if isNext(parameters) {
				return target
			}
			rest = "<" + rest
		}
	}
	return ""
}

func isNext(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.Trim(p, " \t,"), "=")
		if strings.EqualFold(strings.TrimSpace(name), "rel") && strings.EqualFold(strings.Trim(value, "\" \t"), "next") {
			return true
		}
	}
	return false
}
