package confluence

import (
	"context"
	"html"
	"net/url"
	"strconv"
	"strings"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
)

// Result is one result of a search: a page, blog post, attachment, comment, space
// or person. ID and SpaceKey can be empty.
type Result struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	Title        string `json:"title"`
	SpaceKey     string `json:"space_key"`
	Excerpt      string `json:"excerpt"`
	URL          string `json:"url"`
	LastModified string `json:"last_modified,omitempty"`
}

// apiResult is a result in an answer of v1.
type apiResult struct {
	Content struct {
		ID, Type, Title string
		Space           struct{ Key string }
		Expandable      struct{ Space string } `json:"_expandable"`
	}
	Space struct {
		ID  int64
		Key string
	}
	User                                          struct{ AccountID string }
	Title, Excerpt, URL, EntityType, LastModified string
	ResultGlobalContainer                         struct{ DisplayURL string }
}

// Search returns a page of the results of a CQL query.
func (c *Connector) Search(ctx context.Context, cql string, limit int, cursor string) (gateway.Page[Result], error) {
	page, err := guard.Run(ctx, c.guard, searchContent, func(ctx context.Context) (gateway.Page[Result], error) {
		query := url.Values{"cql": {cql}, "limit": {strconv.Itoa(limit)}}
		return readPage(ctx, c, searchPath, query, cursor, func(r *apiResult) Result {
			return Result{
				ID: r.id(), Type: firstOf(r.Content.Type, r.EntityType), Title: r.title(), SpaceKey: r.spaceKey(),
				Excerpt: plainText(r.Excerpt), URL: c.links.to(r.URL, ""), LastModified: timestamp(r.LastModified),
			}
		})
	})
	if cursor == "" { // otherwise a 400 may mean an expired cursor
		err = atlassian.About("cql", err)
	}
	return page, err
}

func (r *apiResult) id() string {
	switch {
	case r.Content.ID != "":
		return r.Content.ID
	case r.Space.ID != 0:
		return strconv.FormatInt(r.Space.ID, 10)
	default:
		return r.User.AccountID
	}
}

func (r *apiResult) title() string {
	if r.Content.Title != "" {
		return r.Content.Title
	}
	return plainText(r.Title)
}

// spaceKey returns the key of the result's space. Without an expansion v1 omits the
// space of a content; then the key is in one of two paths.
func (r *apiResult) spaceKey() string {
	_, expandable, _ := strings.Cut(r.Content.Expandable.Space, "/rest/api/space/")
	_, display, _ := strings.Cut(r.ResultGlobalContainer.DisplayURL, "/spaces/")
	return firstOf(r.Content.Space.Key, r.Space.Key, firstSegment(expandable), firstSegment(display))
}

func firstSegment(path string) string {
	if end := strings.IndexAny(path, "/?#"); end >= 0 {
		path = path[:end]
	}
	segment, err := url.PathUnescape(path)
	if err != nil {
		return ""
	}
	return segment
}

func firstOf(candidates ...string) string {
	for _, s := range candidates {
		if s != "" {
			return s
		}
	}
	return ""
}

// highlights are the tags around the words that matched. Everything else in an
// excerpt is escaped, so no other text in it is a tag.
var highlights = strings.NewReplacer("@@@hl@@@", "", "@@@endhl@@@", "", "<em>", "", "</em>", "", "<b>", "", "</b>", "")

// plainText returns a title or an excerpt of a search as one line of plain text.
func plainText(s string) string {
	return strings.Join(strings.Fields(html.UnescapeString(highlights.Replace(s))), " ")
}
