package config

import (
	"net/url"

	"github.com/coldfuse/coldfuse/internal/atlassian"
)

// JiraConfig is the configuration of the Jira connector.
type JiraConfig struct {
	Table             string
	Protection        Protection
	CountClientErrors bool
	BaseURL, SiteURL  *url.URL
	Auth              atlassian.Auth
	SecretID          string
}

// Jira reads the Jira connector's configuration. The error names all that is
// missing or wrong, on one line.
func Jira(getenv func(string) string) (JiraConfig, error) {
	r := &reader{getenv: getenv}
	c := JiraConfig{
		Table:      r.required("CIRCUITS_TABLE"),
		Protection: r.protection("JIRA_", jiraCircuit),
		BaseURL:    r.origin("JIRA_BASE_URL", r.required("JIRA_BASE_URL")),
		SiteURL:    r.origin("JIRA_SITE_URL", getenv("JIRA_SITE_URL")),
		Auth:       atlassian.Auth(r.choice("JIRA_AUTH", string(atlassian.Basic), string(atlassian.Bearer))),
		SecretID:   r.required("JIRA_SECRET_ID"),
	}
	r.required("AWS_REGION")
	r.flag("COUNT_CLIENT_ERRORS", &c.CountClientErrors)
	switch {
	case c.SiteURL != nil || c.BaseURL == nil:
	case c.BaseURL.Path != "":
		r.problem("JIRA_SITE_URL is missing: links cannot point to the gateway")
	default:
		c.SiteURL = c.BaseURL
	}
	return c, r.err()
}
