package jirasim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim/querylang"
)

// Limits of a search.
const (
	defaultResults = 50
	maxResults     = 5000
	maxFullResults = 100 // once more than id and key is asked for
	maxReconcile   = 50
	maxProperties  = 5
	tokenLife      = 7 * 24 * time.Hour
)

// searchBody is all that a search may be told.
type searchBody struct {
	JQL             string   `json:"jql"`
	Fields          []string `json:"fields"`
	MaxResults      *int     `json:"maxResults"`
	NextPageToken   string   `json:"nextPageToken"`
	Expand          string   `json:"expand"`
	Properties      []string `json:"properties"`
	FieldsByKeys    bool     `json:"fieldsByKeys"`
	ReconcileIssues []int64  `json:"reconcileIssues"`
}

func (s *Simulator) searchByBody(c *atlassiansim.Call) atlassiansim.Answer {
	if a, ok := c.NeedJSON(); !ok {
		return a
	}
	if !json.Valid(c.Body) {
		return refuse(http.StatusBadRequest, malformedBody)
	}
	var body searchBody
	decoder := json.NewDecoder(bytes.NewReader(c.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return refuse(http.StatusBadRequest, invalidBody)
	}
	return s.search(c, body)
}

func (s *Simulator) searchByQuery(c *atlassiansim.Call) atlassiansim.Answer {
	body := searchBody{
		JQL:           c.Query.Get("jql"),
		Fields:        c.Query["fields"],
		NextPageToken: c.Query.Get("nextPageToken"),
		Expand:        c.Query.Get("expand"),
		Properties:    c.Query["properties"],
	}
	if c.Query.Has("maxResults") {
		size, err := c.Number("maxResults", 0)
		if err != nil {
			return refuse(http.StatusBadRequest, err.Error())
		}
		body.MaxResults = &size
	}
	for _, id := range c.List("reconcileIssues") {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return refuse(http.StatusBadRequest, "the parameter 'reconcileIssues' must be numbers")
		}
		body.ReconcileIssues = append(body.ReconcileIssues, n)
	}
	return s.search(c, body)
}

// search judges in the order in which Jira does: token, page size, query.
func (s *Simulator) search(c *atlassiansim.Call, body searchBody) atlassiansim.Answer {
	cursor, ok := atlassiansim.FirstPage(body.JQL, c.Now).Resume(body.NextPageToken)
	if !ok || c.Now.Sub(cursor.At) >= tokenLife {
		return refuse(http.StatusBadRequest, "The provided next page token is invalid or expired.")
	}
	size := defaultResults
	if body.MaxResults != nil {
		size = *body.MaxResults
	}
	if size < 1 || size > maxResults {
		return refuse(http.StatusBadRequest, "The max results parameter has to be between 1 and 5,000.")
	}
	wanted := selectionOf(atlassiansim.SplitCommas(body.Fields), atlassiansim.SplitCommas(body.Properties), atlassiansim.SplitCommas([]string{body.Expand}), "id")
	if len(body.ReconcileIssues) > maxReconcile || len(wanted.properties) > maxProperties {
		return refuse(http.StatusBadRequest, invalidBody)
	}
	if !wanted.bare() {
		size = min(size, maxFullResults)
	}
	found, err := s.query(c, body, cursor.At)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	return s.page(c, found, wanted, c.Window(cursor, body.NextPageToken, len(found), size))
}

// query finds what the JQL matches and searches already know at a time.
func (s *Simulator) query(c *atlassiansim.Call, body searchBody, at time.Time) ([]*issue, error) {
	parsed, err := parseJQL(body.JQL)
	if err != nil {
		return nil, err
	}
	if c.Identity != atlassiansim.Accepted {
		return nil, nil
	}
	all := s.store.all()
	matches, err := querylang.Compile(parsed.Query, universe{s.site, all, at}.clause)
	if err != nil {
		return nil, err
	}
	var found []*issue
	for _, i := range all {
		known := !i.indexed.After(at) || slices.Contains(body.ReconcileIssues, i.id)
		if known && matches(i) {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, parsed.compare)
	return found, nil
}

func (s *Simulator) page(c *atlassiansim.Call, found []*issue, wanted selection, w atlassiansim.Window) atlassiansim.Answer {
	email := s.Account().Email
	beans, names := []map[string]any{}, map[string]any{}
	for _, i := range found[w.First:w.Last] {
		bean := i.json(c.Base, email, wanted)
		beans = append(beans, bean)
		if fields, ok := bean["fields"].(map[string]any); ok {
			names = fields // the same for each: an issue leaves no field out
		}
	}
	page := map[string]any{"issues": beans}
	if !c.Struck(atlassiansim.NoIsLast) {
		page["isLast"] = w.Next == ""
	}
	if w.Next != "" {
		page["nextPageToken"] = w.Next
	}
	if wanted.names {
		page["names"] = fieldNames(names)
	}
	return atlassiansim.Encode(http.StatusOK, page)
}

// selectionOf reads what a request wants of each issue; fields that are not
// given are those of the call.
func selectionOf(fields, properties, expand []string, absent string) selection {
	if len(fields) == 0 {
		fields = []string{absent}
	}
	return selection{fields: fields, properties: properties, names: slices.Contains(expand, "names")}
}
