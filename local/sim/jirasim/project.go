package jirasim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

const maxProjects = 100 // on a page

func (s *Simulator) searchProjects(c *atlassiansim.Call) atlassiansim.Answer {
	start, err := c.Number("startAt", 0)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	size, err := c.Number("maxResults", 50)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	found, err := s.orderedProjects(c.Query.Get("orderBy"))
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	found = slices.DeleteFunc(found, func(p *project) bool { return c.Identity != atlassiansim.Accepted || !wantedProject(c, p) })
	start, size = max(start, 0), min(max(size, 1), maxProjects)
	// Emptied: a page that is named by a number cannot have an empty one before it.
	window := c.Window(atlassiansim.Cursor{Offset: start, Emptied: true}, "", len(found), size)
	values := []map[string]any{}
	for _, p := range found[window.First:window.Last] {
		value := p.json(c.Base)
		value["expand"], value["style"], value["isPrivate"], value["properties"] = "", "classic", false, map[string]any{}
		values = append(values, value)
	}
	page := func(origin string, at int) string {
		query := c.Query
		query.Set("startAt", strconv.Itoa(at))
		query.Set("maxResults", strconv.Itoa(size))
		return origin + "/rest/api/3/project/search?" + query.Encode()
	}
	body := map[string]any{"self": page(c.Base, start), "startAt": start, "maxResults": size, "total": len(found), "values": values}
	if !c.Struck(atlassiansim.NoIsLast) {
		body["isLast"] = window.Next == ""
	}
	if window.Next != "" {
		body["nextPage"] = page(c.Link(c.Base), window.Last)
	}
	return atlassiansim.Encode(http.StatusOK, body)
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
func wantedProject(c *atlassiansim.Call, p *project) bool {
	query := strings.ToLower(c.Query.Get("query"))
	if !strings.Contains(strings.ToLower(p.key), query) && !strings.Contains(strings.ToLower(p.name), query) {
		return false
	}
	for name, value := range map[string]string{"keys": p.key, "id": p.id, "typeKey": p.kind} {
		if wanted := c.List(name); len(wanted) > 0 && !slices.Contains(wanted, value) {
			return false
		}
	}
	return true
}
