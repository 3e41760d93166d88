package jirasim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const maxProjects = 100 // on a page

func (s *Simulator) searchProjects(c *call) answer {
	start, err := number(c, "startAt", 0)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	size, err := number(c, "maxResults", 50)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	found, err := s.orderedProjects(c.query.Get("orderBy"))
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	found = slices.DeleteFunc(found, func(p *project) bool { return c.identity != Accepted || !wantedProject(c, p) })
	start, size = max(start, 0), min(max(size, 1), maxProjects)
	first := min(start, len(found))
	last := min(first+size, len(found))
	values := []map[string]any{}
	for _, p := range found[first:last] {
		value := p.json(c.base)
		value["expand"], value["style"], value["isPrivate"], value["properties"] = "", "classic", false, map[string]any{}
		values = append(values, value)
	}
	page := func(at int) string {
		query := c.query
		query.Set("startAt", strconv.Itoa(at))
		query.Set("maxResults", strconv.Itoa(size))
		return c.base + "/rest/api/3/project/search?" + query.Encode()
	}
	body := map[string]any{"self": page(start), "startAt": start, "maxResults": size, "total": len(found),
		"isLast": last == len(found), "values": values}
	if last < len(found) {
		body["nextPage"] = page(last)
	}
	return encode(http.StatusOK, body)
}

func (s *Simulator) orderedProjects(by string) ([]*project, error) {
	field := strings.TrimLeft(by, "+-")
	projects := slices.Clone(s.site.projects)
	slices.SortFunc(projects, func(a, b *project) int {
		if field == "name" {
			return strings.Compare(a.name, b.name)
		}
		return strings.Compare(a.key, b.key)
	})
	if !slices.Contains([]string{"", "key", "name"}, field) {
		return nil, fmt.Errorf("the simulator does not order projects by '%s'", by)
	}
	if strings.HasPrefix(by, "-") {
		slices.Reverse(projects)
	}
	return projects, nil
}

// wantedProject applies the filters of the query.
func wantedProject(c *call, p *project) bool {
	query := strings.ToLower(c.query.Get("query"))
	if !strings.Contains(strings.ToLower(p.key), query) && !strings.Contains(strings.ToLower(p.name), query) {
		return false
	}
	for name, value := range map[string]string{"keys": p.key, "id": p.id, "typeKey": p.kind} {
		if wanted := list(c.query, name); len(wanted) > 0 && !slices.Contains(wanted, value) {
			return false
		}
	}
	return true
}
