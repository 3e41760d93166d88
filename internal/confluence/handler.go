package confluence

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/gateway"
)

// Limits of what clients may ask for. Pages of lists are as long as
// Confluence's own unless a client says otherwise.
const (
	defaultLimit = 25
	maxLimit     = 100
	maxCQL       = 4_000 // bytes; escaping in a URL can triple them
)

// Handler serves the connector's routes.
func Handler(c *Connector) http.Handler {
	return gateway.Routes(map[string]http.HandlerFunc{
		"GET /api/v1/confluence/spaces":               c.serveSpaces,
		"GET /api/v1/confluence/spaces/{space}/pages": c.servePages,
		"GET /api/v1/confluence/pages/{id}":           c.servePageContent,
		"GET /api/v1/confluence/search":               c.serveSearch,
	})
}

func answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	switch {
	case err == nil:
		gateway.WriteJSON(w, http.StatusOK, v)
	case errors.Is(err, errUnknownSpace):
		gateway.WriteProblem(w, r, gateway.Problem{
			Type: "unknown-space", Title: "Unknown space", Status: http.StatusNotFound, Field: "space", Circuit: Circuit, Retryable: new(false),
			Detail: "there is no space " + gateway.Clip(r.PathValue("space")) + " that the connector's account may see",
		})
	case errors.Is(err, errTooLarge):
		gateway.WriteProblem(w, r, gateway.Problem{
			Type: "page-too-large", Title: "Page too large", Status: http.StatusUnprocessableEntity, Field: "format", Circuit: Circuit, Retryable: new(false),
			Detail: "in this format the page is too large to be answered: another may be smaller",
		})
	default:
		atlassian.WriteProblem(w, r, Circuit, err)
	}
}

// serveList answers with one page of a list, by the query's page_token and limit.
// of identifies the list: tokens of other lists are invalid.
func serveList[T any](
	w http.ResponseWriter, r *http.Request, query url.Values, of []string,
	read func(ctx context.Context, limit int, cursor string) (gateway.Page[T], error),
) {
	limit, ok := gateway.Limit(w, r, query, defaultLimit, maxLimit)
	if !ok {
		return
	}
	of = append(of, strconv.Itoa(limit))
	cursor, ok := gateway.DecodeToken(of, query.Get("page_token"))
	if !ok {
		gateway.WriteProblem(w, r, gateway.BadToken())
		return
	}
	page, err := read(r.Context(), limit, cursor)
	page.Next = gateway.EncodeToken(of, page.Next)
	answer(w, r, page, err)
}

func (c *Connector) serveSpaces(w http.ResponseWriter, r *http.Request) {
	query, ok := gateway.Query(w, r, "keys", "limit", "page_token")
	if !ok {
		return
	}
	var keys []string
	if query.Has("keys") {
		keys = strings.Split(query.Get("keys"), ",")
	}
	if !areSpaceKeys(keys) {
		gateway.WriteBadField(w, r, "keys", "want at most 250 keys of spaces, comma-separated")
		return
	}
	serveList(w, r, query, append([]string{"spaces"}, keys...), func(ctx context.Context, limit int, cursor string) (gateway.Page[Space], error) {
		return c.Spaces(ctx, keys, limit, cursor)
	})
}

func (c *Connector) servePages(w http.ResponseWriter, r *http.Request) {
	query, ok := gateway.Query(w, r, "limit", "page_token")
	if !ok {
		return
	}
	space := r.PathValue("space")
	if !isNumber(space) && !isSpaceKey(space) {
		gateway.WriteBadField(w, r, "space", "want a space's key, or its number")
		return
	}
	serveList(w, r, query, []string{"pages", space}, func(ctx context.Context, limit int, cursor string) (gateway.Page[Page], error) {
		return c.Pages(ctx, space, limit, cursor)
	})
}

func (c *Connector) servePageContent(w http.ResponseWriter, r *http.Request) {
	query, ok := gateway.Query(w, r, "format")
	if !ok {
		return
	}
	id, format := r.PathValue("id"), formatStorage
	if query.Has("format") {
		format = query.Get("format")
	}
	if !isNumber(id) {
		gateway.WriteBadField(w, r, "id", "want a page's number")
		return
	}
	if !slices.Contains([]string{formatStorage, formatView, formatMarkdown}, format) {
		gateway.WriteBadField(w, r, "format", "want storage, view or markdown")
		return
	}
	content, err := c.PageContent(r.Context(), id, format)
	answer(w, r, content, err)
}

// serveSearch passes on any non-empty query and leaves the rest to Confluence, for
// which currentUser() is our account.
func (c *Connector) serveSearch(w http.ResponseWriter, r *http.Request) {
	query, ok := gateway.Query(w, r, "cql", "limit", "page_token")
	if !ok {
		return
	}
	cql := query.Get("cql")
	if strings.TrimSpace(cql) == "" || len(cql) > maxCQL || !utf8.ValidString(cql) {
		gateway.WriteBadField(w, r, "cql", "want a CQL query of at most 4,000 bytes, in UTF-8")
		return
	}
	serveList(w, r, query, []string{"search", cql}, func(ctx context.Context, limit int, cursor string) (gateway.Page[Result], error) {
		return c.Search(ctx, cql, limit, cursor)
	})
}
