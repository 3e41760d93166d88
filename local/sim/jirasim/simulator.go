package jirasim

import (
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// Simulator is an http.Handler, safe for concurrent use.
type Simulator struct {
	*atlassiansim.Edge
	lag   func() time.Duration
	site  site
	store *store
}

// New returns a simulator with three projects, OPS, WEB and NOL, and 120 issues
// of the 30 days before now in the first two, the same ones every time.
func New(o atlassiansim.Options) *Simulator {
	o = o.Complete()
	s := &Simulator{lag: o.Lag, site: newSite(), store: &store{}}
	s.Edge = atlassiansim.NewEdge(o, atlassiansim.Product{
		Name:   "jira",
		Scope:  "read:jira-work write:jira-work",
		Routes: s.routes(),
		Failure: func(_ *atlassiansim.Call, status int, message string) atlassiansim.Answer {
			return refuse(status, message)
		},
		Reset: func() { s.store.reset(seed(s.site, o.Now())) },
	})
	return s
}
