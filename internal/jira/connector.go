// Package jira is the connector to Jira Cloud, REST API v3: six operations,
// each one guarded call, and their HTTP routes.
package jira

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/guard"
	"github.com/coldfuse/coldfuse/internal/idempotency"
	"github.com/coldfuse/coldfuse/internal/jsontrim"
)

// Circuit is the name of the circuit that guards Jira.
const Circuit = "jira_api"

// The operations, as their hystrix commands, log lines and metrics name them.
const (
	getServerInfo = "jira.get_server_info"
	searchIssues  = "jira.search_issues"
	getIssue      = "jira.get_issue"
	createIssue   = "jira.create_issue"
	getProjects   = "jira.get_projects"
	getIssueTypes = "jira.get_issue_types"
)

// Operations are the operations that a Connector's Guard must have.
var Operations = []string{getServerInfo, searchIssues, getIssue, createIssue, getProjects, getIssueTypes}

// Connector makes the calls. It is safe for concurrent use.
type Connector struct {
	client *atlassian.Client
	guard  *guard.Guard
	site   string            // for links
	keys   *idempotency.Keys // nil: see WithKeys
}

// New returns a Connector whose links point to site. Without WithKeys a create with
// an Idempotency-Key is a 400.
func New(client *atlassian.Client, g *guard.Guard, site *url.URL) *Connector {
	return &Connector{client: client, guard: g, site: site.String()}
}

// WithKeys returns a copy of c that creates one issue for each Idempotency-Key.
func (c *Connector) WithKeys(keys *idempotency.Keys) *Connector {
	with := *c
	with.keys = keys
	return &with
}

// call makes one guarded call of one request.
func call[T any](ctx context.Context, c *Connector, operation string, r atlassian.Request, options ...guard.Option) (T, error) {
	return guard.Run(ctx, c.guard, operation, func(ctx context.Context) (T, error) {
		var answer T
		err := c.client.Do(ctx, r, &answer)
		return answer, err
	}, options...)
}

// isStatus reports whether err is an answer of Jira itself with the status. A page
// of HTML comes from a proxy in between.
func isStatus(err error, status int) bool {
	e, ok := errors.AsType[*atlassian.Error](err)
	return ok && e.Status == status && len(e.Messages)+len(e.Fields) > 0
}

// ServerInfo describes the site.
type ServerInfo struct {
	BaseURL             string `json:"base_url"`
	Version             string `json:"version"`
	DeploymentType      string `json:"deployment_type"`
	ServerTitle         string `json:"server_title"`
	CredentialsAccepted bool   `json:"credentials_accepted"`
}

// ServerInfo returns the site's description, which is public, and whether the site
// accepts our credentials, which takes a second request.
func (c *Connector) ServerInfo(ctx context.Context) (ServerInfo, error) {
	return guard.Run(ctx, c.guard, getServerInfo, func(ctx context.Context) (ServerInfo, error) {
		var site struct{ BaseURL, Version, DeploymentType, ServerTitle string }
		if err := c.client.Do(ctx, atlassian.Request{Method: http.MethodGet, Path: "/rest/api/3/serverInfo", Public: true}, &site); err != nil {
			return ServerInfo{}, err
		}
		info := ServerInfo{BaseURL: site.BaseURL, Version: site.Version, DeploymentType: site.DeploymentType, ServerTitle: site.ServerTitle}
		var me json.RawMessage
		err := c.client.Do(ctx, atlassian.Request{Method: http.MethodGet, Path: "/rest/api/3/myself"}, &me)
		info.CredentialsAccepted = err == nil
		// 403: an expired token at the gateway, or an account without Jira.
		if atlassian.IsRejected(err) || isStatus(err, http.StatusForbidden) {
			err = nil
		}
		return info, err
	})
}

// Issue is an issue. Fields is a JSON object of the requested fields.
type Issue struct {
	ID     string          `json:"id"`
	Key    string          `json:"key"`
	URL    string          `json:"url"`
	Fields json.RawMessage `json:"fields,omitempty"`
}

// Issue returns one issue, by id or key.
func (c *Connector) Issue(ctx context.Context, key string, fields, expand []string) (Issue, error) {
	query := url.Values{"fields": {strings.Join(fields, ",")}}
	if len(expand) > 0 {
		query.Set("expand", strings.Join(expand, ","))
	}
	issue, err := call[Issue](ctx, c, getIssue, atlassian.Request{
		Method: http.MethodGet, Path: "/rest/api/3/issue/" + url.PathEscape(key), Query: query,
	})
	issue.URL, issue.Fields = c.browse(issue.Key), jsontrim.Fields(issue.Fields)
	return issue, err
}

// Project is a project. Type is a string because Jira has types that its
// documentation does not list.
type Project struct {
	ID   string `json:"id"`
	Key  string `json:"key"`
	Name string `json:"name"`
	Type string `json:"type"`
	URL  string `json:"url"`
}

// Projects returns a page of the projects whose key or name contains query.
func (c *Connector) Projects(ctx context.Context, query string, start, limit int) (page gateway.Page[Project], more bool, err error) {
	values := url.Values{"startAt": {strconv.Itoa(start)}, "maxResults": {strconv.Itoa(limit)}}
	if query != "" {
		values.Set("query", query)
	}
	type answer struct {
		Values []struct{ ID, Key, Name, ProjectTypeKey string }
		IsLast bool
	}
	a, err := call[answer](ctx, c, getProjects, atlassian.Request{Method: http.MethodGet, Path: "/rest/api/3/project/search", Query: values})
	if err != nil && !isStatus(err, http.StatusNotFound) { // documented for no match
		return page, false, err
	}
	page.Items = make([]Project, len(a.Values))
	for i, p := range a.Values {
		page.Items[i] = Project{p.ID, p.Key, p.Name, p.ProjectTypeKey, c.browse(p.Key)}
	}
	return page, !a.IsLast && len(a.Values) > 0, nil
}

// IssueType is a kind of issue.
type IssueType struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Subtask     bool   `json:"subtask"`
}

// IssueTypes returns all types, or those of one project.
func (c *Connector) IssueTypes(ctx context.Context, projectID string) (gateway.Page[IssueType], error) {
	r := atlassian.Request{Method: http.MethodGet, Path: "/rest/api/3/issuetype"}
	if projectID != "" {
		r.Path, r.Query = "/rest/api/3/issuetype/project", url.Values{"projectId": {projectID}}
	}
	types, err := call[[]IssueType](ctx, c, getIssueTypes, r)
	return gateway.PageOf(types, ""), err
}
