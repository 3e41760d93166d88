package stack

import (
	"cmp"
	"encoding/json"

	"github.com/coldfuse/coldfuse/local/sim/secretsim"
)

// The names under which the functions find their secrets.
const (
	jiraSecret       = "coldfuse/local/jira"
	confluenceSecret = "coldfuse/local/confluence"
	mongodbSecret    = "coldfuse/local/mongodb"
)

// startSecrets starts the simulator of Secrets Manager.
func (s *Stack) startSecrets() error {
	listener, err := s.listen("the secrets simulator", s.bind, "")
	if err != nil {
		return err
	}
	s.Secrets = secretsim.New()
	s.secretsURL = s.serve(listener, s.Secrets)
	return nil
}

// putSecret keeps what the functions need to use a stand-in, or given, which is
// a real service's.
func (s *Stack) putSecret(name, given string, own any) error {
	text, err := json.Marshal(own)
	if err != nil {
		return err
	}
	s.Secrets.Put(name, cmp.Or(given, string(text)))
	return nil
}
