// Package confluence is the connector to Confluence Cloud: four operations,
// each one guarded call, and their HTTP routes. Content comes from REST API v2;
// only the search by CQL, which v2 does not have, is v1's.
package confluence

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/confluence/markdown"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
)

// Circuit is the name of the circuit that guards Confluence.
const Circuit = "confluence_api"

// The operations, as their hystrix commands, log lines and metrics name them.
const (
	getSpaces       = "confluence.get_spaces"
	getPagesInSpace = "confluence.get_pages_in_space"
	getPageContent  = "confluence.get_page_content"
	searchContent   = "confluence.search_content"
)

// Operations is what a Connector's Guard must know.
var Operations = []string{getSpaces, getPagesInSpace, getPageContent, searchContent}

// Paths of the API, below the base both of a site and of Atlassian's gateway.
const (
	spacesPath = "/wiki/api/v2/spaces"
	pagesPath  = "/wiki/api/v2/pages"
	searchPath = "/wiki/rest/api/search"
)

// Connector makes the calls. It is safe for concurrent use.
type Connector struct {
	client *atlassian.Client
	guard  *guard.Guard
	links  linker
	ids    *spaceIDs
}

// New returns a Connector whose links point to site, the address without /wiki.
func New(client *atlassian.Client, g *guard.Guard, site *url.URL) *Connector {
	return &Connector{client: client, guard: g, links: newLinker(site), ids: newSpaceIDs(time.Now)}
}

// get makes one request.
//
// A 403 means that the account has no access at all: its token is wrong or
// expired, so that the request counts as anonymous, or the account cannot use
// Confluence, or the token lacks the scope. The client can help none of these, so
// each counts as rejected credentials. A 403 is never about one page or space:
// for those that the account cannot see, v2 answers 404 and the search leaves
// them out (403 is documented for the search alone, as "does not have permission
// to access Confluence"). Where anonymous callers can read, Confluence serves a
// wrong token what they can see, and only a header shows it, which
// atlassian.Client checks. Asking who we are instead would need a scope that none
// of these calls needs.
func (c *Connector) get(ctx context.Context, path string, query url.Values, answer any) error {
	return c.client.Do(ctx, atlassian.Request{Method: http.MethodGet, Path: path, Query: query, AboutAccount: true}, answer)
}

// Space is a space. Type is a string because Confluence gains types.
type Space struct {
	ID     string `json:"id"`
	Key    string `json:"key"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Status string `json:"status"`
	URL    string `json:"url"`
}

// apiSpace is a space in an answer of v2.
type apiSpace struct {
	ID, Key, Name, Type, Status string
	CurrentActiveAlias          string
	Links                       webLinks `json:"_links"`
}

// Spaces returns a page of the spaces that the account can see, or of those with
// the keys. Unknown keys are left out.
func (c *Connector) Spaces(ctx context.Context, keys []string, limit int, cursor string) (gateway.Page[Space], error) {
	return guard.Run(ctx, c.guard, getSpaces, func(ctx context.Context) (gateway.Page[Space], error) {
		query := url.Values{"limit": {strconv.Itoa(limit)}}
		if len(keys) > 0 {
			query.Set("keys", strings.Join(keys, ","))
		}
		return readPage(ctx, c, spacesPath, query, cursor, func(s *apiSpace) Space {
			return Space{s.ID, s.Key, s.Name, s.Type, s.Status, c.links.to(s.Links.WebUI, "/spaces/"+url.PathEscape(s.Key))}
		})
	})
}

// Page is a page without its body.
type Page struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Status  string `json:"status"`
	Version int    `json:"version"`
	URL     string `json:"url"`
}

// apiPage is a page in an answer of v2, with a body if one was requested.
type apiPage struct {
	ID, Title, Status, SpaceID string
	Version                    struct {
		Number    int
		CreatedAt string
	}
	Body  map[string]struct{ Value *string }
	Links webLinks `json:"_links"`
}

func (c *Connector) page(p *apiPage) Page {
	return Page{p.ID, p.Title, p.Status, p.Version.Number, c.links.to(p.Links.WebUI, "/pages/viewpage.action?pageId="+url.QueryEscape(p.ID))}
}

// errUnknownSpace: the account sees no space with the key.
var errUnknownSpace = errors.New("confluence: there is no such space")

// Pages returns a page of a space's pages. The space is named by its key, or by
// its id: digits alone are an id, though a key may in principle consist of them.
func (c *Connector) Pages(ctx context.Context, space string, limit int, cursor string) (gateway.Page[Page], error) {
	page, err := guard.Run(ctx, c.guard, getPagesInSpace, func(ctx context.Context) (*gateway.Page[Page], error) {
		if isNumber(space) {
			return c.pagesOf(ctx, space, limit, cursor)
		}
		return c.pagesByKey(ctx, space, limit, cursor)
	})
	switch {
	case err != nil:
		return gateway.Page[Page]{}, err
	case page == nil:
		return gateway.Page[Page]{}, errUnknownSpace
	}
	return *page, nil
}

// pagesByKey returns nil if the key is unknown. That is not an error here, or it
// would count as a failed call.
func (c *Connector) pagesByKey(ctx context.Context, key string, limit int, cursor string) (*gateway.Page[Page], error) {
	if id, known := c.ids.get(key); known {
		page, err := c.pagesOf(ctx, id, limit, cursor)
		if !isNotFound(err) {
			return page, err
		}
		// The space is gone, and another may have its key by now.
		c.ids.forget(key)
	}
	id, err := c.resolve(ctx, key)
	if err != nil || id == "" {
		return nil, err
	}
	return c.pagesOf(ctx, id, limit, cursor)
}

// resolve returns the id of the space with the key, or "" if there is no such
// space.
func (c *Connector) resolve(ctx context.Context, key string) (string, error) {
	var found list[apiSpace]
	if err := c.get(ctx, spacesPath, url.Values{"keys": {key}}, &found); err != nil {
		return "", err
	}
	for _, s := range found.Results {
		if isNumber(s.ID) && (strings.EqualFold(s.Key, key) || strings.EqualFold(s.CurrentActiveAlias, key)) {
			c.ids.set(key, s.ID)
			return s.ID, nil
		}
	}
	return "", nil
}

func (c *Connector) pagesOf(ctx context.Context, id string, limit int, cursor string) (*gateway.Page[Page], error) {
	page, err := readPage(ctx, c, spacesPath+"/"+id+"/pages", url.Values{"limit": {strconv.Itoa(limit)}}, cursor, c.page)
	return &page, err
}

func isNotFound(err error) bool {
	e, ok := errors.AsType[*atlassian.Error](err)
	return ok && e.Status == http.StatusNotFound
}

// Content is a page with its body.
type Content struct {
	Page
	SpaceID      string `json:"space_id,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
	Body         Body   `json:"body"`
}

// Body is the text of a page, in one of the formats.
type Body struct {
	Format string `json:"format"`
	Value  string `json:"value"`
}

// The formats of a body: Confluence's storage format, the HTML that readers
// see, and that HTML as markdown.
const (
	formatStorage  = "storage"
	formatView     = "view"
	formatMarkdown = "markdown"
)

// maxBody is the largest body in bytes. It is quoted twice on its way, as JSON
// within an event, and Lambda's limit for an answer is 6 MB.
const maxBody = 4 << 20

var errTooLarge = errors.New("confluence: the page is too large")

// PageContent returns a page with its body. It returns errTooLarge if the body is
// too large for an answer, or for markdown.
func (c *Connector) PageContent(ctx context.Context, id, format string) (Content, error) {
	source := format
	if format == formatMarkdown {
		source = formatView
	}
	content, err := guard.Run(ctx, c.guard, getPageContent, func(ctx context.Context) (Content, error) {
		var p apiPage
		if err := c.get(ctx, pagesPath+"/"+id, url.Values{"body-format": {source}}, &p); err != nil {
			return Content{}, err
		}
		body := p.Body[source].Value
		if body == nil { // an empty page has an empty body
			return Content{}, atlassian.Unusable(http.StatusOK, false)
		}
		return Content{c.page(&p), p.SpaceID, timestamp(p.Version.CreatedAt), Body{format, *body}}, nil
	})
	// Not part of the guarded call: Confluence is not to blame for its duration.
	if err == nil && format == formatMarkdown {
		content.Body.Value, err = markdown.FromView(content.Body.Value, content.URL)
	}
	if errors.Is(err, markdown.ErrTooLarge) || len(content.Body.Value) > maxBody {
		err = errTooLarge
	}
	return content, err
}

// timestamp rewrites one of Confluence's times as a gateway.Timestamp, or returns
// "" if it is malformed.
func timestamp(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return ""
	}
	return gateway.Timestamp(t).String()
}
