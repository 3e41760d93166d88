package stack

import (
	"net/http"
	"strings"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/confluencesim"
	"github.com/coldfuse/coldfuse/local/sim/jirasim"
	"github.com/coldfuse/coldfuse/local/stack/template"
)

// product is one of Atlassian's, played by a simulator. Its name is that of the
// template's parameters and, in capitals, of the function's variables.
type product struct{ name, secret, url string }

// startAtlassian starts the simulators, and keeps what they accept, or what real
// sites do, as secrets.
func (s *Stack) startAtlassian() error {
	s.Jira = jirasim.New(atlassiansim.Options{Lag: s.config.SearchLag})
	s.Confluence = confluencesim.New(atlassiansim.Options{Lag: s.config.SearchLag})
	var err error
	if s.JiraURL, err = s.startProduct("Jira", jiraSecret, s.config.Jira, s.config.Secrets.Jira, s.Jira); err != nil {
		return err
	}
	s.ConfluenceURL, err = s.startProduct("Confluence", confluenceSecret, s.config.Confluence, s.config.Secrets.Confluence, s.Confluence)
	return err
}

func (s *Stack) startProduct(name, secret, address, credentials string, simulator http.Handler) (url string, err error) {
	listener, err := s.listen("the "+name+" simulator", s.bind, address)
	if err != nil {
		return "", err
	}
	url = s.serve(listener, simulator)
	s.products = append(s.products, product{name, secret, url})
	return url, s.putSecret(secret, credentials, struct {
		atlassiansim.Credentials
		atlassiansim.App
	}{
		atlassiansim.Credentials{Email: atlassiansim.DefaultEmail, Token: atlassiansim.DefaultToken},
		atlassiansim.App{ID: atlassiansim.DefaultAppID, Secret: atlassiansim.DefaultAppSecret},
	})
}

// parameters are those of the template that lead to the simulator: by its
// gateway where the site would not take the authentication that is wanted.
func (p product) parameters(given map[string]string) map[string]string {
	parameters := map[string]string{p.name + "BaseUrl": p.url, p.name + "SecretArn": p.secret}
	auth, site := given[p.name+"Auth"], given[p.name+"BaseUrl"]
	if site == "" && auth != "" && auth != "basic" {
		parameters[p.name+"BaseUrl"] = p.gateway() + atlassiansim.DefaultCloudID
		parameters[p.name+"SiteUrl"] = p.url
	}
	return parameters
}

func (p product) gateway() string { return p.url + "/ex/" + strings.ToLower(p.name) + "/" }

// tokenURL is where a function that uses the product by the gateway gets its
// tokens, empty for every other.
func (p product) tokenURL(f template.Function) string {
	if !strings.HasPrefix(f.Environment[strings.ToUpper(p.name)+"_BASE_URL"], p.gateway()) {
		return ""
	}
	return p.url + "/oauth/token"
}
