package config

import (
	"net/url"
	"strings"

	"github.com/coldfuse/coldfuse/internal/atlassian"
)

// Connector is the configuration of a connector to one of Atlassian's products.
type Connector struct {
	Table             string // of the circuits
	Protection        Protection
	CountClientErrors bool
	BaseURL           *url.URL // of the product's API
	SiteURL           *url.URL // of the site, for links
	Auth              atlassian.Auth
	SecretID          string
}

// connector reads the variables of one connector, prefix "JIRA_" or
// "CONFLUENCE_". People copy the address from their browser: the product's part
// of its path, which the API's paths begin with, is removed.
func (r *reader) connector(prefix, circuit, product string) Connector {
	c := Connector{
		Table:      r.required("CIRCUITS_TABLE"),
		Protection: r.protection(prefix, circuit),
		BaseURL:    r.origin(prefix+"BASE_URL", r.required(prefix+"BASE_URL"), product),
		SiteURL:    r.origin(prefix+"SITE_URL", r.getenv(prefix+"SITE_URL"), product),
		Auth:       atlassian.Auth(r.choice(prefix+"AUTH", "basic", "bearer", "client_credentials")),
		SecretID:   r.required(prefix + "SECRET_ID"),
	}
	r.required("AWS_REGION")
	r.flag("COUNT_CLIENT_ERRORS", &c.CountClientErrors)
	if c.BaseURL == nil {
		return c
	}
	if c.SiteURL == nil && c.BaseURL.Path != "" {
		r.problem("%sSITE_URL is missing: links cannot point to the gateway", prefix)
	}
	if c.SiteURL == nil {
		c.SiteURL = c.BaseURL
	}
	// Cloud sites accept only the API tokens of people (Atlassian's
	// "Authentication and authorization" of its REST APIs).
	site := strings.HasSuffix(c.BaseURL.Hostname(), ".atlassian.net")
	if c.Auth == atlassian.ClientCredentials && c.BaseURL.Path == "" || c.Auth == atlassian.Bearer && site {
		r.problem("%sBASE_URL: %s needs Atlassian's gateway, https://api.atlassian.com/ex/PRODUCT/CLOUD_ID", prefix, c.Auth)
	}
	return c
}

// JiraConfig is the configuration of the Jira connector.
type JiraConfig struct {
	Connector
	IdempotencyTable string
	LocalSubject     string // see Subject
}

// Jira reads the Jira connector's configuration. The error names every
// variable that is missing or invalid, on one line.
func Jira(getenv func(string) string) (JiraConfig, error) {
	r := &reader{getenv: getenv}
	c := JiraConfig{
		Connector:        r.connector("JIRA_", jiraCircuit, ""),
		IdempotencyTable: r.required("IDEMPOTENCY_TABLE"),
		LocalSubject:     r.localSubject(),
	}
	return c, r.err()
}

// Confluence reads the Confluence connector's configuration. The error names
// every variable that is missing or invalid, on one line.
func Confluence(getenv func(string) string) (Connector, error) {
	r := &reader{getenv: getenv}
	c := r.connector("CONFLUENCE_", confluenceCircuit, "/wiki")
	return c, r.err()
}
