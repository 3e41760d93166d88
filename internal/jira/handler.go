package jira

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/gateway"
)

// Limits of what clients may ask for.
const (
	defaultLimit = 50
	maxLimit     = 100
	maxText      = 255 // characters of a search for projects
)

const wantFields = "want names of fields such as summary or *navigable"

// defaultFields are the fields of a search or an issue. Jira's own default is ids
// alone, or every field.
var defaultFields = []string{"summary", "status", "assignee", "priority", "issuetype", "created", "updated"}

// Handler serves the connector's routes.
func Handler(c *Connector) http.Handler {
	return gateway.Routes(map[string]http.HandlerFunc{
		"GET /api/v1/jira/server-info":  gateway.NoQuery(c.serveServerInfo),
		"POST /api/v1/jira/search":      gateway.NoQuery(c.serveSearch),
		"GET /api/v1/jira/issues/{key}": c.serveIssue,
		"POST /api/v1/jira/issues":      gateway.NoQuery(c.serveCreate),
		"GET /api/v1/jira/projects":     c.serveProjects,
		"GET /api/v1/jira/issue-types":  c.serveIssueTypes,
	})
}

func answer(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	if err != nil {
		atlassian.WriteProblem(w, r, Circuit, err)
		return
	}
	gateway.WriteJSON(w, status, v)
}

func (c *Connector) serveServerInfo(w http.ResponseWriter, r *http.Request) {
	info, err := c.ServerInfo(r.Context())
	answer(w, r, http.StatusOK, info, err)
}

func (c *Connector) serveSearch(w http.ResponseWriter, r *http.Request) {
	var body struct {
		JQL       string   `json:"jql"`
		Fields    []string `json:"fields"`
		Limit     *int     `json:"limit"`
		PageToken string   `json:"page_token"`
	}
	if !gateway.DecodeJSON(w, r, &body) {
		return
	}
	s := Search{JQL: body.JQL, Fields: body.Fields, Limit: defaultLimit}
	if body.Limit != nil {
		s.Limit = *body.Limit
	}
	if len(s.Fields) == 0 {
		s.Fields = defaultFields
	}
	if problem := jqlProblem(s.JQL); problem != "" {
		gateway.WriteBadField(w, r, "jql", problem)
		return
	}
	if problem := namesProblem(s.Fields, wantFields); problem != "" {
		gateway.WriteBadField(w, r, "fields", problem)
		return
	}
	if s.Limit < 1 || s.Limit > maxLimit {
		gateway.WriteBadField(w, r, "limit", "want 1 to 100")
		return
	}
	next, ok := gateway.DecodeToken(s, body.PageToken)
	if !ok {
		gateway.WriteProblem(w, r, gateway.BadToken())
		return
	}
	query := s
	s.Token = next
	page, err := c.Search(r.Context(), s)
	page.Next = gateway.EncodeToken(query, page.Next)
	answer(w, r, http.StatusOK, page, err)
}

func (c *Connector) serveIssue(w http.ResponseWriter, r *http.Request) {
	query, ok := gateway.Query(w, r, "fields", "expand")
	if !ok {
		return
	}
	key := r.PathValue("key")
	if !isIssueKey(key) {
		gateway.WriteBadField(w, r, "key", "want an issue's key such as OPS-1, or its number")
		return
	}
	fields, expand := list(query, "fields"), list(query, "expand")
	if len(fields) == 0 {
		fields = append([]string{"description"}, defaultFields...)
	}
	if problem := namesProblem(fields, wantFields+", comma-separated"); problem != "" {
		gateway.WriteBadField(w, r, "fields", problem)
		return
	}
	if problem := namesProblem(expand, "want names such as changelog, comma-separated"); problem != "" {
		gateway.WriteBadField(w, r, "expand", problem)
		return
	}
	issue, err := c.Issue(r.Context(), key, fields, expand)
	answer(w, r, http.StatusOK, issue, err)
}

// list reads a comma-separated parameter.
func list(query url.Values, name string) []string {
	var values []string
	for s := range strings.SplitSeq(query.Get(name), ",") {
		if s = strings.TrimSpace(s); s != "" {
			values = append(values, s)
		}
	}
	return values
}

func (c *Connector) serveCreate(w http.ResponseWriter, r *http.Request) {
	key, keyed, ok := c.readKey(w, r)
	if !ok {
		return
	}
	var body newIssue
	if !gateway.DecodeJSON(w, r, &body) {
		return
	}
	if field, problem := body.problem(); problem != "" {
		gateway.WriteBadField(w, r, field, problem)
		return
	}
	if !keyed {
		issue, err := c.post(r.Context(), map[string]any{"fields": body.fields()}, always)
		answer(w, r, http.StatusCreated, issue, body.renameFields(err))
		return
	}
	issue, replayed, err := c.createIdempotent(r.Context(), keyOf(r, key, body), body)
	if err != nil {
		writeCreateProblem(w, r, body.renameFields(err))
		return
	}
	if replayed {
		w.Header().Set(replayedHeader, "true")
	}
	gateway.WriteJSON(w, http.StatusCreated, issue)
}

func (c *Connector) serveProjects(w http.ResponseWriter, r *http.Request) {
	query, ok := gateway.Query(w, r, "query", "limit", "page_token")
	if !ok {
		return
	}
	limit, ok := gateway.Limit(w, r, query, defaultLimit, maxLimit)
	if !ok {
		return
	}
	search := query.Get("query")
	if utf8.RuneCountInString(search) > maxText || !utf8.ValidString(search) {
		gateway.WriteBadField(w, r, "query", "want at most 255 characters, in UTF-8")
		return
	}
	bound := []any{"projects", search, limit}
	next, ok := gateway.DecodeToken(bound, query.Get("page_token"))
	start, err := strconv.Atoi("0" + next)
	if !ok || err != nil {
		gateway.WriteProblem(w, r, gateway.BadToken())
		return
	}
	page, more, err := c.Projects(r.Context(), search, start, limit)
	if more {
		page.Next = gateway.EncodeToken(bound, strconv.Itoa(start+len(page.Items)))
	}
	answer(w, r, http.StatusOK, page, err)
}

func (c *Connector) serveIssueTypes(w http.ResponseWriter, r *http.Request) {
	query, ok := gateway.Query(w, r, "project_id")
	if !ok {
		return
	}
	project := query.Get("project_id")
	if project != "" && !isNumber(project) {
		gateway.WriteBadField(w, r, "project_id", "want a project's number")
		return
	}
	types, err := c.IssueTypes(r.Context(), project)
	answer(w, r, http.StatusOK, types, err)
}
