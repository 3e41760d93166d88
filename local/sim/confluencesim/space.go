package confluencesim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// timeFormat is Confluence's.
const timeFormat = "2006-01-02T15:04:05.000Z"

// author is the account of everything.
const author = "5b10a2844c20165700ede21g"

// space never changes.
type space struct {
	id         int64
	key, name  string
	kind       string
	status     string
	created    time.Time
	homepageID string
}

func spaceOf(spaces []*space, key string) (*space, bool) {
	i := slices.IndexFunc(spaces, func(s *space) bool { return s.key == key })
	if i < 0 {
		return nil, false
	}
	return spaces[i], true
}

func (s *space) number() string { return strconv.FormatInt(s.id, 10) }
func (s *space) webui() string  { return "/spaces/" + s.key }

func (s *space) json() map[string]any {
	return map[string]any{
		"id":           s.number(),
		"key":          s.key,
		"name":         s.name,
		"type":         s.kind,
		"status":       s.status,
		"authorId":     author,
		"spaceOwnerId": author,
		"createdAt":    s.created.Format(timeFormat),
		"homepageId":   s.homepageID,
		"description":  nil,
		"icon":         nil,
		"_links":       map[string]any{"webui": s.webui()},
	}
}

func (s *Simulator) getSpaces(c *atlassiansim.Call) atlassiansim.Answer {
	at, err := resume(c)
	err = cmp.Or(
		err,
		choice(c, "type", "global", "collaboration", "knowledge_base", "personal", "system", "onboarding", "xflow_sample_space"),
		choice(c, "status", "current", "archived"),
		choice(c, "sort", "id", "-id", "key", "-key", "name", "-name"),
		choice(c, "description-format", "plain", "view"),
	)
	if err != nil {
		return badRequest(c, err)
	}
	for _, name := range []string{"ids", "keys"} {
		if len(c.List(name)) > maxLimit {
			return failure(c, http.StatusBadRequest, "At most 250 values for '"+name+"'")
		}
	}
	found := slices.DeleteFunc(slices.Clone(s.spaces), func(one *space) bool { return !one.wanted(c) })
	key, descending := strings.CutPrefix(c.Query.Get("sort"), "-")
	slices.SortFunc(found, func(a, b *space) int {
		if descending {
			a, b = b, a
		}
		switch key {
		case "key":
			return strings.Compare(a.key, b.key)
		case "name":
			return strings.Compare(a.name, b.name)
		default:
			return cmp.Compare(a.id, b.id)
		}
	})
	return list(c, at, found, (*space).json)
}

// wanted applies the filters of the query.
func (s *space) wanted(c *atlassiansim.Call) bool {
	for name, value := range map[string]string{"ids": s.number(), "keys": s.key, "type": s.kind, "status": s.status} {
		if wanted := c.List(name); len(wanted) > 0 && !slices.Contains(wanted, value) {
			return false
		}
	}
	return true
}
