package jirasim

import "net/http"

const noIssue = "Issue does not exist or you do not have permission to see it."

func (s *Simulator) getIssue(c *call) answer {
	found, ok := named(s.store.all(), c.key)
	if !ok || c.identity != Accepted {
		return refuse(http.StatusNotFound, noIssue)
	}
	wanted := selectionOf(list(c.query, "fields"), list(c.query, "properties"), list(c.query, "expand"), "*all")
	bean := found.json(c.base, s.account.get().Email, wanted)
	if fields, ok := bean["fields"].(map[string]any); ok && wanted.names {
		bean["names"] = fieldNames(fields)
	}
	return encode(http.StatusOK, bean)
}
