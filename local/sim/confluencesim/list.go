package confluencesim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// Limits of a page of a list.
const (
	defaultLimit = 25
	maxLimit     = 250
)

// choice returns an error for a parameter with another value than these.
func choice(c *atlassiansim.Call, name string, values ...string) error {
	for _, given := range c.List(name) {
		if !slices.Contains(values, given) {
			return invalid(fmt.Sprintf("Provided value {%s} for '%s' is not one of %v", given, name, values))
		}
	}
	return nil
}

// numeric reads a number from the query within bounds.
func numeric(c *atlassiansim.Call, name string, absent, least, most int) (int, error) {
	n, err := c.Number(name, absent)
	switch {
	case err != nil:
		return 0, notThe("int", name, c.Query.Get(name))
	case n < least || n > most:
		return 0, invalid(fmt.Sprintf("Provided value {%d} for '%s' is not between %d and %d", n, name, least, most))
	}
	return n, nil
}

// resume returns where the page of a request begins; everything but the cursor
// says which list it is.
func resume(c *atlassiansim.Call) (atlassiansim.Cursor, error) {
	query := url.Values{}
	for name, values := range c.Query {
		if name != "cursor" && name != "limit" {
			query[name] = values
		}
	}
	first := atlassiansim.FirstPage(c.Request.URL.Path+"?"+query.Encode(), c.Now)
	at, ok := first.Resume(c.Query.Get("cursor"))
	if !ok {
		return at, notThe("cursor", "cursor", c.Query.Get("cursor"))
	}
	return at, nil
}

// list answers a page of v2. Its links are relative to the site even where the
// client came through the gateway.
func list[T any](c *atlassiansim.Call, at atlassiansim.Cursor, all []T, entry func(T) map[string]any) atlassiansim.Answer {
	size, err := numeric(c, "limit", defaultLimit, 1, maxLimit)
	if err != nil {
		return badRequest(c, err)
	}
	window := c.Window(at, c.Query.Get("cursor"), len(all), size)
	results := []any{}
	for _, one := range all[window.First:window.Last] {
		results = append(results, entry(one))
	}
	links := map[string]any{"base": c.Origin + "/wiki"}
	body := map[string]any{"results": results, "_links": links}
	if window.Next == "" {
		return atlassiansim.Encode(http.StatusOK, body)
	}
	next := nextOf(c, window.Next, size)
	if !c.Struck(atlassiansim.NoNext) {
		links["next"] = next
	}
	return atlassiansim.Encode(http.StatusOK, body).
		With("Link", fmt.Sprintf(`<%s>; rel="next", <%s/wiki>; rel="base"`, next, c.Origin))
}

// nextOf is v2's link to the next page.
func nextOf(c *atlassiansim.Call, cursor string, size int) string {
	query := url.Values{}
	for name, values := range c.Query {
		query[name] = values
	}
	query.Set("cursor", cursor)
	query.Set("limit", strconv.Itoa(size))
	path := c.Request.URL.Path[len(c.Base)-len(c.Origin):]
	return c.Link("") + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()
}
