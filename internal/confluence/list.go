package confluence

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

// list is a page of a list as Confluence gives it. Where the next one begins is
// told by a link, in the body, in the header Link, or in both.
type list[T any] struct {
	Results []T
	Links   struct{ Next string } `json:"_links"`
	header  []string
}

// ReadHeader keeps what the answer's header says of the next page.
func (l *list[T]) ReadHeader(h http.Header) { l.header = h["Link"] }

// next is the cursor of the page after the one with the cursor sent, "" if that
// was the last: no link, none with a cursor, or one that leads back to where it
// came from.
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

// maxCursor is the most bytes of a cursor. Confluence's are some hundred; much
// more would not fit the request line of API Gateway as part of our token.
const maxCursor = 4 << 10

// cursorOf takes the cursor out of a link to a next page. The link itself is
// never followed: v1 leaves /wiki out of it, Atlassian's gateway its own prefix,
// and it would take our credentials wherever it says. Of a link that is none, or
// whose cursor cannot be one, it is "".
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

// nextLink finds the target of rel="next" in Link headers (RFC 8288), such as
//
//	</wiki/api/v2/spaces?cursor=x>; rel="next", <https://site/wiki>; rel="base"
//
// A target may hold any sign but '>'.
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
