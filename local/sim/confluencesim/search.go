package confluencesim

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// What Confluence puts around words that were looked for.
const (
	highlight    = "@@@hl@@@"
	endHighlight = "@@@endhl@@@"
)

// excerptLength is about how many characters an excerpt has.
const excerptLength = 300

func (s *Simulator) search(c *atlassiansim.Call) atlassiansim.Answer {
	text := c.Query.Get("cql")
	at, err := resume(c)
	if err != nil {
		return failure(c, http.StatusBadRequest, "Invalid cursor")
	}
	size, err := c.Number("limit", defaultLimit)
	if err != nil || size < 0 {
		return badRequest(c, notThe("int", "limit", c.Query.Get("limit")))
	}
	query, err := parseCQL(text, at.At)
	if err != nil {
		return failure(c, http.StatusBadRequest, "Could not parse cql : "+text)
	}
	if err := choice(c, "excerpt", "highlight", "indexed", "none", "highlight_unescaped", "indexed_unescaped"); err != nil {
		return badRequest(c, err)
	}
	found := slices.DeleteFunc(s.entries(at.At), func(e entry) bool {
		archived := e.space.status == "archived"
		hidden := archived && c.Query.Get("includeArchivedSpaces") != "true" || !archived && c.Query.Get("excludeCurrentSpaces") == "true"
		return hidden || !query.matches(e)
	})
	slices.SortStableFunc(found, query.compare)
	size = min(size, maxLimit)
	window := c.Window(at, c.Query.Get("cursor"), len(found), max(size, 1))
	results := []any{}
	for _, e := range found[window.First:window.Last] {
		results = append(results, e.json(c, query.words))
	}
	self := "/rest/api/search?" + (url.Values{"cql": {text}}).Encode()
	links := map[string]any{"base": c.Origin + "/wiki", "context": "/wiki", "self": c.Origin + "/wiki" + self}
	if window.Next != "" {
		links["next"] = nextSearch(c, window, size)
	}
	return atlassiansim.Encode(http.StatusOK, map[string]any{
		"results": results, "start": window.First, "limit": size, "size": len(results), "totalSize": len(found),
		"cqlQuery": text, "searchDuration": 12, "_links": links,
	})
}

// nextSearch is v1's link: without /wiki, and with the cursor in its middle.
func nextSearch(c *atlassiansim.Call, window atlassiansim.Window, size int) string {
	rest := url.Values{}
	for name, values := range c.Query {
		if name != "cursor" && name != "limit" && name != "start" && name != "next" {
			rest[name] = values
		}
	}
	return c.Link("") + "/rest/api/search?next=true&cursor=" + url.QueryEscape(window.Next) + "&limit=" + strconv.Itoa(size) +
		"&start=" + strconv.Itoa(window.Last) + "&" + rest.Encode()
}

// entries are what searches know at a time.
func (s *Simulator) entries(at time.Time) []entry {
	var all []entry
	for _, one := range s.spaces {
		all = append(all, entry{space: one})
	}
	for _, p := range s.store.all() {
		if p.status == "current" && !p.indexed.After(at) {
			all = append(all, entry{p.space, p})
		}
	}
	return all
}

// json is a search result.
func (e entry) json(c *atlassiansim.Call, words []string) map[string]any {
	result := map[string]any{
		"title":                mark(html.EscapeString(e.title()), words),
		"excerpt":              e.excerpt(c.Query.Get("excerpt"), words),
		"breadcrumbs":          []any{},
		"entityType":           "space",
		"iconCssClass":         "aui-icon content-type-space",
		"url":                  e.space.webui(),
		"lastModified":         e.modified().Format(timeFormat),
		"friendlyLastModified": e.modified().Format("Jan 02, 2006"),
		"score":                0.0,
	}
	if e.page == nil {
		result["space"] = e.space.v1(c.Origin)
		return result
	}
	result["entityType"], result["iconCssClass"], result["url"] = "content", "aui-icon content-type-page", e.page.webui()
	result["resultGlobalContainer"] = map[string]any{"title": e.space.name, "displayUrl": e.space.webui()}
	result["content"] = e.page.v1(c.Origin, slices.Contains(c.List("expand"), "content.space"))
	return result
}

// v1 is the space as the first version of the API has it.
func (s *space) v1(origin string) map[string]any {
	return map[string]any{
		"id": s.id, "key": s.key, "name": s.name, "type": s.kind, "status": s.status,
		"_expandable": map[string]any{"homepage": "/rest/api/content/" + s.homepageID, "settings": "/rest/api/space/" + s.key + "/settings",
			"metadata": "", "description": "", "icon": "", "operations": "", "permissions": "", "history": ""},
		"_links": map[string]any{"webui": s.webui(), "self": origin + "/wiki/rest/api/space/" + s.key},
	}
}

// v1 is the page as the first version of the API has it.
func (p *page) v1(origin string, withSpace bool) map[string]any {
	expandable := map[string]any{"container": "/rest/api/space/" + p.space.key, "space": "/rest/api/space/" + p.space.key,
		"metadata": "", "extensions": "", "operations": "", "children": "", "history": "/rest/api/content/" + p.id() + "/history",
		"ancestors": "", "body": "", "version": "", "descendants": ""}
	bean := map[string]any{
		"id": p.id(), "type": "page", "status": p.status, "title": p.title,
		"childTypes": map[string]any{}, "macroRenderedOutput": map[string]any{}, "restrictions": map[string]any{},
		"_expandable": expandable,
		"_links":      map[string]any{"webui": p.webui(), "tinyui": p.tinyui(), "self": origin + "/wiki/rest/api/content/" + p.id()},
	}
	if withSpace {
		delete(expandable, "space")
		bean["space"] = p.space.v1(origin)
	}
	return bean
}

// excerpt is the text around the first word that was found.
func (e entry) excerpt(strategy string, words []string) string {
	if strategy == "none" {
		return ""
	}
	text := strings.Join(strings.Fields(e.text()), " ")
	lower := strings.ToLower(text)
	start := 0
	for _, word := range words {
		// Lower case may be longer than the text is.
		if at := strings.Index(lower, word); at > excerptLength && at < len(text) {
			start = at - excerptLength/3
			break
		}
	}
	text = strings.ToValidUTF8(text[start:min(start+excerptLength, len(text))], "")
	if !strings.HasSuffix(strategy, "_unescaped") {
		text = html.EscapeString(text)
	}
	if strings.HasPrefix(strategy, "indexed") {
		return text
	}
	return mark(text, words)
}

// mark puts highlights around the words of a text that begin with one of those.
func mark(text string, words []string) string {
	fields := strings.Split(text, " ")
	for i, field := range fields {
		lower := strings.ToLower(field)
		if slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(lower, word) }) {
			fields[i] = highlight + field + endHighlight
		}
	}
	return strings.Join(fields, " ")
}
