package jirasim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

func (s *Simulator) issueTypes(c *call) answer {
	if c.identity != Accepted {
		return encode(http.StatusOK, []any{})
	}
	return encode(http.StatusOK, typesJSON(c, s.site.types))
}

func (s *Simulator) projectIssueTypes(c *call) answer {
	id := c.query.Get("projectId")
	if _, err := strconv.ParseInt(id, 10, 64); err != nil {
		return refuse(http.StatusBadRequest, "The 'projectId' parameter must be the number of a project.")
	}
	level, err := number(c, "level", 0)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	found, ok := named(s.site.projects, id)
	if !ok || c.identity != Accepted {
		return refuse(http.StatusNotFound, fmt.Sprintf("No project could be found with id '%s'.", id))
	}
	types := slices.Clone(found.types)
	if c.query.Has("level") {
		types = slices.DeleteFunc(types, func(t *issueType) bool { return t.level != level })
	}
	return encode(http.StatusOK, typesJSON(c, types))
}

func typesJSON(c *call, types []*issueType) []map[string]any {
	all := []map[string]any{}
	for _, t := range types {
		all = append(all, t.json(c.base))
	}
	return all
}
