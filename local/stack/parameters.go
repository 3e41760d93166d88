package stack

import (
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/coldfuse/coldfuse/local/stack/identity"
	"github.com/coldfuse/coldfuse/local/stack/template"
)

// readTemplate resolves the template with what is right on one machine, over
// which the parameters of Config go.
func (s *Stack) readTemplate() error {
	file := s.config.Template
	if file == "" {
		file = filepath.Join(s.config.Root, "template.yaml")
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("template: %w", err)
	}
	defaults := map[string]string{
		"AuthMode":         "none",
		"MonitoringAccess": "open",
		"JwtIssuer":        identity.IssuerURL,
		"JwtAudience":      identity.Audience,
		"MongodbSecretArn": mongodbSecret,
	}
	for _, product := range s.products {
		maps.Copy(defaults, product.parameters(s.config.Parameters))
	}
	s.declared, err = template.Parse(src, template.Options{
		Parameters: s.config.Parameters, Defaults: defaults, StackName: "local-" + rand.Text()[:8],
	})
	return err
}
