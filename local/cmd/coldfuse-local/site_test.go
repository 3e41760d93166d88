package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/coldfuse/coldfuse/local/stack"
)

func TestARealSiteTakesTheSimulatorsPlace(t *testing.T) {
	cases := []struct {
		rule       string
		env        map[string]string
		parameters map[string]string
		secrets    stack.Secrets
		fail       string
	}{
		{"without JIRA_BASE_URL the simulator stays", map[string]string{"JIRA_TOKEN": "t"}, map[string]string{}, stack.Secrets{}, ""},
		{"a site needs a token", map[string]string{"JIRA_BASE_URL": "https://a"}, nil, stack.Secrets{}, "JIRA_TOKEN"},
		{
			"what is set becomes parameters and the secret",
			map[string]string{"JIRA_BASE_URL": "https://a", "JIRA_AUTH": "bearer", "JIRA_TOKEN": "t", "JIRA_EMAIL": "e"},
			map[string]string{"JiraBaseUrl": "https://a", "JiraAuth": "bearer"},
			stack.Secrets{Jira: `{"email":"e","token":"t"}`}, "",
		},
		{
			"a client has a secret instead of a token",
			map[string]string{"JIRA_BASE_URL": "https://a", "JIRA_SITE_URL": "https://s", "JIRA_CLIENT_ID": "i", "JIRA_CLIENT_SECRET": "s"},
			map[string]string{"JiraBaseUrl": "https://a", "JiraSiteUrl": "https://s"},
			stack.Secrets{Jira: `{"client_id":"i","client_secret":"s"}`}, "",
		},
		{
			"one of two is enough",
			map[string]string{"CONFLUENCE_BASE_URL": "https://a", "CONFLUENCE_TOKEN": "t", "JIRA_TOKEN": "t"},
			map[string]string{"ConfluenceBaseUrl": "https://a"},
			stack.Secrets{Confluence: `{"token":"t"}`}, "",
		},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			config := stack.Config{Parameters: map[string]string{}}
			err := realSites(&config, func(name string) string { return c.env[name] })
			if c.fail != "" {
				if err == nil || !strings.Contains(err.Error(), c.fail) {
					t.Errorf("got %v, want %s named", err, c.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(config.Parameters, c.parameters) {
				t.Errorf("parameters %v, want %v", config.Parameters, c.parameters)
			}
			if config.Secrets != c.secrets {
				t.Error("the secrets are not the site's")
			}
		})
	}
}
