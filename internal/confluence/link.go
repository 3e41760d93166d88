package confluence

import (
	"net/url"
	"strings"
)

// webLinks are what Confluence says of where people find something: paths below
// /wiki of the site.
type webLinks struct{ WebUI string }

// linker makes links for people. They lead to the site, whatever the API's
// address is and whatever Confluence answers.
type linker struct{ wiki string } // the site's address, with /wiki

func newLinker(site *url.URL) linker { return linker{strings.TrimSuffix(site.String(), "/") + "/wiki"} }

// to returns the link to a path below /wiki, or to fallback, which is one and
// needs no escaping, if path is empty or none.
func (l linker) to(path, fallback string) string {
	// Some answers have /wiki in their paths.
	path = strings.TrimLeft(strings.TrimPrefix(path, "/wiki/"), "/")
	// Of a path that begins with one slash, no part can be a host.
	below, err := url.Parse("/" + path)
	if path == "" || err != nil {
		return l.wiki + fallback
	}
	return l.wiki + below.String()
}
