package jirasim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

func (s *Simulator) issueTypes(c *atlassiansim.Call) atlassiansim.Answer {
	if c.Identity != atlassiansim.Accepted {
		return atlassiansim.Encode(http.StatusOK, []any{})
	}
	return atlassiansim.Encode(http.StatusOK, typesJSON(c, s.site.types))
}

func (s *Simulator) projectIssueTypes(c *atlassiansim.Call) atlassiansim.Answer {
	id := c.Query.Get("projectId")
	if _, err := strconv.ParseInt(id, 10, 64); err != nil {
		return refuse(http.StatusBadRequest, "The 'projectId' parameter must be the number of a project.")
	}
	level, err := c.Number("level", 0)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	found, ok := named(s.site.projects, id)
	if !ok || c.Identity != atlassiansim.Accepted {
		return refuse(http.StatusNotFound, fmt.Sprintf("No project could be found with id '%s'.", id))
	}
	types := slices.Clone(found.types)
	if c.Query.Has("level") {
		types = slices.DeleteFunc(types, func(t *issueType) bool { return t.level != level })
	}
	return atlassiansim.Encode(http.StatusOK, typesJSON(c, types))
}

func typesJSON(c *atlassiansim.Call, types []*issueType) []map[string]any {
	all := []map[string]any{}
	for _, t := range types {
		all = append(all, t.json(c.Base))
	}
	return all
}
