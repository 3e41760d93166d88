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
type linker struct{ site *url.URL }

// to gives the link to a path below /wiki, or to fallback if that is empty or
// no path.
func (l linker) to(path, fallback string) string {
	// Some answers have /wiki in their paths.
	path = strings.TrimLeft(strings.TrimPrefix(path, "/wiki/"), "/")
	// Of a path that begins with one slash, no part can be a host.
	below, err := url.Parse("/" + path)
	if path == "" || err != nil {
		below, _ = url.Parse(fallback) // ours, with everything escaped
	}
	link := *l.site
	link.RawPath = link.EscapedPath() + "/wiki" + below.EscapedPath()
	link.Path, _ = url.PathUnescape(link.RawPath)
	link.RawQuery, link.Fragment, link.RawFragment = below.RawQuery, below.Fragment, below.RawFragment
	return link.String()
}
