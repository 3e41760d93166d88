package confluencesim

import (
	"net/http"
	"strings"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// The operations.
const (
	GetSpaces       atlassiansim.Operation = "get_spaces"
	GetPagesInSpace atlassiansim.Operation = "get_pages_in_space"
	GetPageContent  atlassiansim.Operation = "get_page_content"
	SearchContent   atlassiansim.Operation = "search_content"
)

func (s *Simulator) routes() []atlassiansim.Route {
	return []atlassiansim.Route{
		atlassiansim.Get("/wiki/api/v2/spaces", GetSpaces, signedIn(s.getSpaces)),
		atlassiansim.Get("/wiki/api/v2/spaces/{}/pages", GetPagesInSpace, signedIn(s.getPages)),
		atlassiansim.Get("/wiki/api/v2/pages/{}", GetPageContent, signedIn(s.getPage)),
		atlassiansim.Get("/wiki/rest/api/search", SearchContent, signedIn(s.search)),
	}
}

// signedIn lets only known callers through. The two versions of the API document
// different statuses for it.
func signedIn(serve func(*atlassiansim.Call) atlassiansim.Answer) func(*atlassiansim.Call) atlassiansim.Answer {
	return func(c *atlassiansim.Call) atlassiansim.Answer {
		switch {
		case c.Identity == atlassiansim.Accepted:
			return serve(c)
		case c.Identity == atlassiansim.Anonymous && !isV1(c):
			return failure(c, http.StatusUnauthorized, "Unauthorized")
		default:
			return failure(c, http.StatusForbidden, "Current user not permitted to use Confluence")
		}
	}
}

func isV1(c *atlassiansim.Call) bool { return strings.Contains(c.Request.URL.Path, "/wiki/rest/api/") }
