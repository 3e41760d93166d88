// Command unguarded is what a Lambda function for Jira's issue types would be
// without a guard: it calls the client directly.
package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/coldfuse/coldfuse/internal/atlassian"
	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/function"
	"github.com/coldfuse/coldfuse/internal/gateway"
	"github.com/coldfuse/coldfuse/internal/jira"
)

func main() { function.Main("unguarded", newHandler) }

func newHandler(ctx context.Context, getenv func(string) string, _ *slog.Logger) (http.Handler, error) {
	c, err := config.Jira(getenv)
	if err != nil {
		return nil, err
	}
	keys := atlassian.NewKeyring(config.Credentials(getenv, c.SecretID, c.Auth))
	if err := keys.Read(ctx); err != nil {
		return nil, err
	}
	client := atlassian.New(atlassian.Config{Base: c.BaseURL, Auth: c.Auth, Keys: keys})
	return gateway.Routes(map[string]http.HandlerFunc{
		"GET /api/v1/jira/issue-types": func(w http.ResponseWriter, r *http.Request) {
			if _, ok := gateway.Query(w, r, "project_id"); !ok {
				return
			}
			var types []jira.IssueType
			if err := client.Do(r.Context(), atlassian.Request{Method: http.MethodGet, Path: "/rest/api/3/issuetype"}, &types); err != nil {
				atlassian.WriteProblem(w, r, jira.Circuit, err)
				return
			}
			gateway.WriteJSON(w, http.StatusOK, gateway.PageOf(types, ""))
		},
	}), nil
}
