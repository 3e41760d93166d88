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
// A 403 says that the account as a whole is not let in: its token is wrong or
// has expired, and what is left of the request is an anonymous caller's, or it
// has no access to Confluence, or the token lacks the scope. None of them is
// the client's doing, so each is a refusal of our credentials. It is never about
// one page or space: of those that the account may not see, v2 says 404 and the
// search nothing (403 is documented for the search alone, as "does not have
// permission to access Confluence"). Where anonymous callers may read, a wrong
// token is served what they may see, and only the header that atlassian.Client
// looks at tells; asking who we are instead would take a scope that none of
// these calls needs.
func (c *Connector) get(ctx context.Context, path string, query url.Values, answer any) error {
	return c.client.Do(ctx, atlassian.Request{Method: http.MethodGet, Path: path, Query: query, AboutAccount: true}, answer)
}

// Space is a space. Type is a string, for Confluence gains types.
type Space struct {
	ID     string `json:"id"`
	Key    string `json:"key"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Status string `json:"status"`
	URL    string `json:"url"`
}

// apiSpace is a space as v2 gives it.
type apiSpace struct {
	ID, Key, Name, Type, Status string
	CurrentActiveAlias          string
	Links                       webLinks `json:"_links"`
}

// Spaces returns a page of the spaces that the account may see, or of those with
// the keys. A key that is unknown has no space in the list.
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

// apiPage is a page as v2 gives it, with a body if one was asked for.
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

// errUnknownSpace is returned for a key that no space has which the account may
// see.
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

// pagesByKey returns nil if the key is unknown. That is no error in here: the
// call did what it was made for.
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

// resolve looks up the id of the space with the key, "" if there is none.
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
// see, and what markdown can say of that.
const (
	storage  = "storage"
	view     = "view"
	markdown = "markdown"
)

// maxBody is the most bytes of a body that are passed on: quoted twice on its
// way, as JSON in an event, more would soon be over the 6 MB of Lambda.
const maxBody = 4 << 20

var errTooLarge = errors.New("confluence: the page is too large")

// PageContent returns a page with its body. Of a body that is too large for an
// answer, or to be made into markdown, the error is errTooLarge.
func (c *Connector) PageContent(ctx context.Context, id, format string) (Content, error) {
	source := format
	if format == markdown {
		source = view
	}
	content, err := guard.Run(ctx, c.guard, getPageContent, func(ctx context.Context) (Content, error) {
		var p apiPage
		if err := c.get(ctx, pagesPath+"/"+id, url.Values{"body-format": {source}}, &p); err != nil {
			return Content{}, err
		}
		body := p.Body[source].Value
		if body == nil { // an empty page has an empty one
			return Content{}, atlassian.Unusable(http.StatusOK, false)
		}
		return Content{c.page(&p), p.SpaceID, timestamp(p.Version.CreatedAt), Body{format, *body}}, nil
	})
	// Outside of the call: how long this takes says nothing of Confluence.
	if err == nil && format == markdown {
		content.Body.Value, err = toMarkdown(content.Body.Value, content.URL)
	}
	if err == nil && len(content.Body.Value) > maxBody {
		err = errTooLarge
	}
	return content, err
}

// timestamp returns a time of Confluence's as this API writes times, "" if it is
// none.
func timestamp(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}
