package confluence

import (
	"net/url"
	"strings"
)

// webLinks are the links for people in an answer: paths below /wiki of the site.
type webLinks struct{ WebUI string }

// linker makes links for people. They lead to the site, whatever the API's
// address is and whatever Confluence answers.
type linker struct{ wiki string } // the site's address, with /wiki

func newLinker(site *url.URL) linker { return linker{strings.TrimSuffix(site.String(), "/") + "/wiki"} }

// to returns the link to a path below /wiki. If path is empty or malformed it is
// the link to fallback, an escaped path.
func (l linker) to(path, fallback string) string {
	// Some answers have /wiki in their paths.
	path = strings.TrimLeft(strings.TrimPrefix(path, "/wiki/"), "/")
	// A path that begins with exactly one slash cannot name a host.
	below, err := url.Parse("/" + path)
	if path == "" || err != nil {
		return l.wiki + fallback
	}
	return l.wiki + below.String()
}
