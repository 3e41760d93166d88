package stack

import (
	"encoding/json"

	"github.com/coldfuse/coldfuse/local/jirasim"
	"github.com/coldfuse/coldfuse/local/secretsim"
)

// jiraSecret is the name under which the functions find Jira's credentials.
const jiraSecret = "coldfuse/local/jira"

// startAtlassian starts the simulator of Jira, and that of Secrets Manager
// with the credentials that it, or the real site, accepts.
func (s *Stack) startAtlassian() error {
	jira, err := s.listen("the Jira simulator", s.config.Jira)
	if err != nil {
		return err
	}
	s.Jira = jirasim.New(jirasim.Options{Lag: s.config.SearchLag})
	s.serve(jira, s.Jira)
	s.JiraURL = "http://" + jira.Addr().String()

	secrets, err := s.listen("the secrets simulator", "")
	if err != nil {
		return err
	}
	accepted := s.config.Credentials
	if accepted == (jirasim.Credentials{}) {
		accepted = jirasim.Credentials{Email: jirasim.DefaultEmail, Token: jirasim.DefaultToken}
	}
	value, err := json.Marshal(accepted)
	if err != nil {
		return err
	}
	s.Secrets = secretsim.New()
	s.Secrets.Put(jiraSecret, string(value))
	s.serve(secrets, s.Secrets)
	s.secretsURL = "http://" + secrets.Addr().String()
	return nil
}
