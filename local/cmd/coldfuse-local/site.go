package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/coldfuse/coldfuse/local/stack"
)

// realSites has the functions call the real services that the environment
// names. Their credentials reach them as secrets, as they would in the cloud.
func realSites(c *stack.Config, getenv func(string) string) error {
	for product, secret := range map[string]*string{"Jira": &c.Secrets.Jira, "Confluence": &c.Secrets.Confluence} {
		prefix := strings.ToUpper(product) + "_"
		if getenv(prefix+"BASE_URL") == "" {
			continue
		}
		credentials := map[string]string{}
		for variable, field := range map[string]string{
			"EMAIL": "email", "TOKEN": "token", "CLIENT_ID": "client_id", "CLIENT_SECRET": "client_secret",
		} {
			if value := getenv(prefix + variable); value != "" {
				credentials[field] = value
			}
		}
		if credentials["token"] == "" && credentials["client_secret"] == "" {
			return fmt.Errorf("%[1]sBASE_URL is set: %[1]sTOKEN, and for basic authentication %[1]sEMAIL, are needed too", prefix)
		}
		text, err := json.Marshal(credentials)
		if err != nil {
			return err
		}
		*secret = string(text)
		for variable, parameter := range map[string]string{"BASE_URL": "BaseUrl", "SITE_URL": "SiteUrl", "AUTH": "Auth"} {
			if value := getenv(prefix + variable); value != "" {
				c.Parameters[product+parameter] = value
			}
		}
	}
	return nil
}
