package jirasim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"time"
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

func (s *Simulator) searchByBody(c *call) answer {
	if a, ok := needJSON(c); !ok {
		return a
	}
	if !json.Valid(c.body) {
		return refuse(http.StatusBadRequest, malformedBody)
	}
	var body searchBody
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return refuse(http.StatusBadRequest, invalidBody)
	}
	return s.search(c, body)
}

func (s *Simulator) searchByQuery(c *call) answer {
	body := searchBody{
		JQL:           c.query.Get("jql"),
		Fields:        c.query["fields"],
		NextPageToken: c.query.Get("nextPageToken"),
		Expand:        c.query.Get("expand"),
		Properties:    c.query["properties"],
	}
	if c.query.Has("maxResults") {
		size, err := number(c, "maxResults", 0)
		if err != nil {
			return refuse(http.StatusBadRequest, err.Error())
		}
		body.MaxResults = &size
	}
	for _, id := range list(c.query, "reconcileIssues") {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return refuse(http.StatusBadRequest, "the parameter 'reconcileIssues' must be numbers")
		}
		body.ReconcileIssues = append(body.ReconcileIssues, n)
	}
	return s.search(c, body)
}

// search judges in the order in which Jira does: token, page size, query.
func (s *Simulator) search(c *call, body searchBody) answer {
	now := s.options.Now()
	cursor, ok := readCursor(body, now)
	if !ok {
		return refuse(http.StatusBadRequest, "The provided next page token is invalid or expired.")
	}
	size := defaultResults
	if body.MaxResults != nil {
		size = *body.MaxResults
	}
	if size < 1 || size > maxResults {
		return refuse(http.StatusBadRequest, "The max results parameter has to be between 1 and 5,000.")
	}
	wanted := selectionOf(splitCommas(body.Fields), splitCommas(body.Properties), splitCommas([]string{body.Expand}), "id")
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
	return s.page(c, body, found, wanted, cursor, size)
}

// query finds what the JQL matches and searches already know at a time.
func (s *Simulator) query(c *call, body searchBody, at time.Time) ([]*issue, error) {
	parsed, err := parseJQL(body.JQL)
	if err != nil {
		return nil, err
	}
	if c.identity != Accepted {
		return nil, nil
	}
	all := s.store.all()
	matches, err := compileJQL(parsed, universe{s.site, all}, at)
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
	slices.SortStableFunc(found, parsed.order.compare)
	return found, nil
}

func (s *Simulator) page(c *call, body searchBody, found []*issue, wanted selection, at cursor, size int) answer {
	first := min(at.Offset, len(found))
	last := min(first+size, len(found))
	email := s.account.get().Email
	beans, names := []map[string]any{}, map[string]any{}
	for _, i := range found[first:last] {
		bean := i.json(c.base, email, wanted)
		beans = append(beans, bean)
		if fields, ok := bean["fields"].(map[string]any); ok {
			names = fields // the same for each: an issue leaves no field out
		}
	}
	page := map[string]any{"issues": beans, "isLast": last == len(found)}
	if last < len(found) {
		at.Offset = last
		page["nextPageToken"] = at.String()
	}
	if wanted.names {
		page["names"] = fieldNames(names)
	}
	return encode(http.StatusOK, page)
}

// selectionOf reads what a request wants of each issue; fields that are not
// given are those of the call.
func selectionOf(fields, properties, expand []string, absent string) selection {
	if len(fields) == 0 {
		fields = []string{absent}
	}
	return selection{fields: fields, properties: properties, names: slices.Contains(expand, "names")}
}

// cursor is where a page begins. All pages of a search see it as it was At the
// first one.
type cursor struct {
	Offset int       `json:"o"`
	At     time.Time `json:"a"`
	Query  uint64    `json:"q"` // hash of the JQL
}

func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic("jirasim: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// readCursor reads the token of a search, which must be of the same JQL.
func readCursor(body searchBody, now time.Time) (cursor, bool) {
	hash := fnv.New64a()
	hash.Write([]byte(body.JQL))
	start := cursor{At: now, Query: hash.Sum64()}
	if body.NextPageToken == "" {
		return start, true
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(body.NextPageToken)
	if err != nil || json.Unmarshal(b, &c) != nil {
		return cursor{}, false
	}
	return c, c.Query == start.Query && c.Offset > 0 && now.Sub(c.At) < tokenLife
}
