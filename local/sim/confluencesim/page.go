package confluencesim

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// page never changes once it is in the store.
type page struct {
	number   int64
	space    *space
	parent   *page
	position int
	title    string
	status   string
	labels   []string
	version  int
	created  time.Time
	modified time.Time
	indexed  time.Time // when searches begin to find it
	content  content
	text     func() string // of the content, read once
}

func (p *page) id() string { return strconv.FormatInt(p.number, 10) }

func (p *page) webui() string {
	return p.space.webui() + "/pages/" + p.id() + "/" + url.QueryEscape(p.title)
}

func (p *page) tinyui() string {
	id := binary.LittleEndian.AppendUint32(nil, uint32(p.number))
	return "/x/" + base64.RawURLEncoding.EncodeToString(id)
}

func (p *page) ancestors() []string {
	var all []string
	for up := p.parent; up != nil; up = up.parent {
		all = append(all, up.id())
	}
	return all
}

// json is the page as v2 answers it, with one body or none.
func (p *page) json(format, base string) map[string]any {
	body := map[string]any{}
	if format != "" {
		body[format] = map[string]string{"representation": format, "value": p.content.as(format, base)}
	}
	bean := map[string]any{
		"id":          p.id(),
		"status":      p.status,
		"title":       p.title,
		"spaceId":     p.space.number(),
		"parentId":    nil,
		"parentType":  nil,
		"position":    p.position,
		"authorId":    author,
		"ownerId":     author,
		"lastOwnerId": nil,
		"createdAt":   p.created.Format(timeFormat),
		"version": map[string]any{
			"number": p.version, "message": "", "minorEdit": false, "authorId": author, "createdAt": p.modified.Format(timeFormat),
		},
		"body": body,
		"_links": map[string]any{
			"webui": p.webui(), "editui": "/pages/resumedraft.action?draftId=" + p.id(), "tinyui": p.tinyui(),
		},
	}
	if p.parent != nil {
		bean["parentId"], bean["parentType"] = p.parent.id(), "page"
	}
	return bean
}

func (s *Simulator) getPage(c *atlassiansim.Call) atlassiansim.Answer {
	id := c.Took[0]
	if _, err := strconv.ParseInt(id, 10, 64); err != nil {
		return badRequest(c, notThe("long", "id", id))
	}
	err := choice(c, "body-format", "storage", "atlas_doc_format", "view", "export_view", "anonymous_export_view", "styled_view", "editor")
	if err != nil {
		return badRequest(c, err)
	}
	all := s.store.all()
	i := slices.IndexFunc(all, func(p *page) bool { return p.id() == id && p.hasStatus(c, "current", "archived") })
	if i < 0 {
		return failure(c, http.StatusNotFound, "Not Found")
	}
	base := c.Origin + "/wiki"
	bean := all[i].json(c.Query.Get("body-format"), base)
	bean["_links"].(map[string]any)["base"] = base
	if c.Query.Get("include-version") == "false" {
		delete(bean, "version")
	}
	return atlassiansim.Encode(http.StatusOK, bean)
}

// hasStatus reports whether the page has a status that the query wants.
func (p *page) hasStatus(c *atlassiansim.Call, absent ...string) bool {
	wanted := c.List("status")
	if len(wanted) == 0 {
		wanted = absent
	}
	return slices.Contains(wanted, p.status)
}

func (s *Simulator) getPages(c *atlassiansim.Call) atlassiansim.Answer {
	id := c.Took[0]
	if _, err := strconv.ParseInt(id, 10, 64); err != nil {
		return badRequest(c, notThe("long", "id", id))
	}
	at, err := resume(c)
	err = cmp.Or(
		err,
		choice(c, "depth", "all", "root"),
		choice(c, "status", "current", "archived", "deleted", "trashed"),
		choice(c, "body-format", "storage", "atlas_doc_format"),
		choice(c, "sort", "id", "-id", "created-date", "-created-date", "modified-date", "-modified-date", "title", "-title"),
	)
	if err != nil {
		return badRequest(c, err)
	}
	if !slices.ContainsFunc(s.spaces, func(one *space) bool { return one.number() == id }) {
		return failure(c, http.StatusNotFound, "Not Found")
	}
	title, root := c.Query.Get("title"), c.Query.Get("depth") == "root"
	found := slices.DeleteFunc(s.store.all(), func(p *page) bool {
		return p.created.After(at.At) || p.space.number() != id || !p.hasStatus(c, "current", "archived") ||
			title != "" && p.title != title || root && p.parent != nil
	})
	sortPages(found, c.Query.Get("sort"))
	format := c.Query.Get("body-format")
	return list(c, at, found, func(p *page) map[string]any { return p.json(format, c.Origin+"/wiki") })
}

func sortPages(pages []*page, by string) {
	key, descending := strings.CutPrefix(by, "-")
	slices.SortStableFunc(pages, func(a, b *page) int {
		if descending {
			a, b = b, a
		}
		switch key {
		case "title":
			return strings.Compare(a.title, b.title)
		case "created-date":
			return a.created.Compare(b.created)
		case "modified-date":
			return a.modified.Compare(b.modified)
		default:
			return cmp.Compare(a.number, b.number)
		}
	})
}
