package stack

import (
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/coldfuse/coldfuse/local/template"
)

// readTemplate resolves the template with the local parameters, over which
// those of Config go.
func (s *Stack) readTemplate() (*template.Template, error) {
	file := s.config.Template
	if file == "" {
		file = filepath.Join(s.config.Root, "template.yaml")
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	parameters := map[string]string{
		"AuthMode":         "none",
		"MonitoringAccess": "open",
		"JiraBaseUrl":      s.JiraURL,
		"JiraSecretArn":    jiraSecret,
	}
	maps.Copy(parameters, s.config.Parameters)
	return template.Parse(src, template.Options{Parameters: parameters, StackName: "local-" + rand.Text()[:8]})
}
