package contract

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/coldfuse/coldfuse/internal/config"
	"github.com/coldfuse/coldfuse/internal/confluence"
	"github.com/coldfuse/coldfuse/internal/connector"
	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
	"github.com/coldfuse/coldfuse/local/sim/confluencesim"
	"github.com/coldfuse/coldfuse/pkg/breaker/memstore"
)

// newConfluence returns a simulated site behind the check, and the function's
// routes to it.
func newConfluence(t *testing.T, d deployment) (*confluencesim.Simulator, http.Handler) {
	t.Helper()
	sim := confluencesim.New(atlassiansim.Options{Lag: atlassiansim.NoLag})
	getenv := environment(t, "CONFLUENCE_", serve(t, Confluence, sim), d)
	c, err := config.Confluence(getenv)
	if err != nil {
		t.Fatal(err)
	}
	client, calls, err := connector.New(t.Context(), getenv, quiet(), c, memstore.New(), confluence.Operations)
	if err != nil {
		t.Fatal(err)
	}
	return sim, confluence.Handler(confluence.New(client, calls, c.SiteURL))
}

func confluenceRequests() []request {
	return []request{
		{rule: "spaces", path: "/confluence/spaces", status: 200},
		{rule: "spaces by their keys", path: "/confluence/spaces?keys=DOC,OPS&limit=100", status: 200},
		{rule: "spaces that are not there", path: "/confluence/spaces?keys=NONE", status: 200},
		{rule: "pages of a key", path: "/confluence/spaces/DOC/pages?limit=10", status: 200},
		{rule: "pages of a number", path: "/confluence/spaces/65537/pages", status: 200},
		{rule: "pages of no key", path: "/confluence/spaces/NONE/pages", status: 404},
		{rule: "pages of no number", path: "/confluence/spaces/1/pages", status: 404},
		{rule: "a page", path: "/confluence/pages/200001", status: 200},
		{rule: "a page to look at", path: "/confluence/pages/200001?format=view", status: 200},
		{rule: "a page in markdown", path: "/confluence/pages/200001?format=markdown", status: 200},
		{rule: "a page that is not there", path: "/confluence/pages/1", status: 404},
		{rule: "a search", path: "/confluence/search?cql=" + url.QueryEscape(`space = DOC AND text ~ "a"`), status: 200},
		{rule: "a search for spaces too", path: "/confluence/search?limit=100&cql=" + url.QueryEscape(`type in (space, page) ORDER BY title`), status: 200},
		{rule: "a search that Confluence refuses", path: "/confluence/search?cql=nonsense", status: 400},
	}
}

func TestEveryRequestToConfluenceIsDescribed(t *testing.T) {
	for _, d := range deployments("confluence", atlassiansim.DefaultCloudID) {
		t.Run(d.rule, func(t *testing.T) {
			sim, handler := newConfluence(t, d)
			for _, r := range confluenceRequests() {
				r.do(t, handler)
			}
			reached := sim.Counts()
			if token := reached[atlassiansim.GetToken]; (token > 0) != (d.auth == "client_credentials") {
				t.Errorf("%d requests for a token", token)
			}
			for _, operation := range []atlassiansim.Operation{confluencesim.GetSpaces, confluencesim.GetPagesInSpace,
				confluencesim.GetPageContent, confluencesim.SearchContent} {
				if reached[operation] == 0 {
					t.Errorf("nothing asked for %s", operation)
				}
			}
		})
	}
}

func TestEveryPageOfConfluenceIsDescribed(t *testing.T) {
	for _, d := range deployments("confluence", atlassiansim.DefaultCloudID) {
		t.Run(d.rule, func(t *testing.T) {
			_, handler := newConfluence(t, d)
			for _, list := range []string{"/confluence/spaces?limit=1", "/confluence/spaces/DOC/pages?limit=20",
				"/confluence/search?limit=30&cql=" + url.QueryEscape("type = page")} {
				if pages := walk(t, handler, list); pages < 3 {
					t.Errorf("%s: %d pages are no paging", list, pages)
				}
			}
		})
	}
}

func TestEveryFailureOfConfluenceIsDescribed(t *testing.T) {
	for _, path := range []string{"/confluence/spaces", "/confluence/search?cql=type%3Dpage"} {
		for _, f := range failures() {
			t.Run(f.rule, func(t *testing.T) {
				sim, handler := newConfluence(t, deployment{auth: "basic"})
				f.strike(t, sim, handler, request{path: path})
			})
		}
	}
}

// The simulator knows more than the connector asks for.
func TestEveryAnswerOfTheConfluenceSimulatorIsDescribed(t *testing.T) {
	site := serve(t, Confluence, confluencesim.New(atlassiansim.Options{Lag: atlassiansim.NoLag}))
	for _, c := range []exchange{
		{path: "/wiki/api/v2/spaces?type=personal&status=current&sort=-name", status: 200},
		{path: "/wiki/api/v2/spaces?ids=65537&description-format=plain", status: 200},
		{path: "/wiki/api/v2/spaces?cursor=none", status: 400},
		{path: "/wiki/api/v2/spaces/65537/pages?depth=root&status=current&status=archived&title=A&body-format=storage&sort=title", status: 200},
		{path: "/wiki/api/v2/spaces/65537/pages?body-format=atlas_doc_format&limit=250", status: 200},
		{path: "/wiki/api/v2/pages/200001?body-format=export_view&include-version=true", status: 200},
		{path: "/wiki/api/v2/pages/200006?body-format=atlas_doc_format", status: 200},
		{path: "/wiki/api/v2/pages/200022", status: 404},
		{path: "/wiki/rest/api/search?cql=type%3Dspace&limit=2&excerpt=none&expand=content.space", status: 200},
		{path: "/wiki/rest/api/search?cql=nonsense", status: 400},
		{path: "/_edge/tenant_info", status: 200},
	} {
		c.ask(t, site)
	}
}
