package jirasim

import (
	"net/http"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

const noIssue = "Issue does not exist or you do not have permission to see it."

func (s *Simulator) getIssue(c *atlassiansim.Call) atlassiansim.Answer {
	found, ok := s.visible(c)
	if !ok {
		return refuse(http.StatusNotFound, noIssue)
	}
	wanted := selectionOf(c.List("fields"), c.List("properties"), c.List("expand"), "*all")
	bean := found.json(c.Base, s.Account().Email, wanted)
	if fields, ok := bean["fields"].(map[string]any); ok && wanted.names {
		bean["names"] = fieldNames(fields)
	}
	return atlassiansim.Encode(http.StatusOK, bean)
}

// visible finds the issue that the path names.
func (s *Simulator) visible(c *atlassiansim.Call) (*issue, bool) {
	found, ok := named(s.store.all(), c.Took[0])
	return found, ok && c.Identity == atlassiansim.Accepted
}

func (s *Simulator) getProperty(c *atlassiansim.Call) atlassiansim.Answer {
	found, ok := s.visible(c)
	if !ok {
		return refuse(http.StatusNotFound, noIssue)
	}
	key := c.Took[1]
	value, ok := found.properties[key]
	if !ok {
		return refuse(http.StatusNotFound, "The property with key '"+key+"' does not exist.")
	}
	return atlassiansim.Encode(http.StatusOK, map[string]any{"key": key, "value": value})
}
