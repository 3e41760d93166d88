package confluencesim

import (
	"errors"
	"net/http"
	"time"

	"github.com/coldfuse/coldfuse/local/sim/atlassiansim"
)

// Simulator is an http.Handler, safe for concurrent use.
type Simulator struct {
	*atlassiansim.Edge
	lag    func() time.Duration
	spaces []*space
	store  *store
}

// New returns a simulator with the spaces DOC, OPS, OLD (archived) and a personal
// one, and the same pages every time. The newest is an hour old.
func New(o atlassiansim.Options) *Simulator {
	o = o.Complete()
	s := &Simulator{lag: o.Lag, spaces: newSpaces(), store: &store{}}
	s.Edge = atlassiansim.NewEdge(o, atlassiansim.Product{
		Name:    "confluence",
		Scope:   "read:space:confluence read:page:confluence search:confluence",
		Routes:  s.routes(),
		Failure: failure,
		Reset:   func() { s.store.reset(seed(s.spaces, o.Now())) },
		Control: func(mux *http.ServeMux) { mux.HandleFunc("POST /_sim/pages", s.takePage) },
	})
	return s
}

// AddPage publishes a page in the space of a key, and returns its id. Searches
// find it after Options.Lag.
func (s *Simulator) AddPage(spaceKey, title, body string) (id string, err error) {
	in, ok := spaceOf(s.spaces, spaceKey)
	if !ok {
		return "", errors.New("no space with key " + spaceKey)
	}
	now := s.Now().UTC().Truncate(time.Millisecond)
	added := &page{space: in, title: title, status: "current", version: 1, created: now, modified: now,
		indexed: now.Add(s.lag()), content: content{storage: body, view: body}}
	s.store.add(added)
	return added.id(), nil
}

func (s *Simulator) takePage(w http.ResponseWriter, r *http.Request) {
	var body struct{ Space, Title, Body string }
	ok := atlassiansim.TakeControl(w, r, &body, func() *atlassiansim.FieldError {
		if _, known := spaceOf(s.spaces, body.Space); !known {
			return &atlassiansim.FieldError{Field: "space", Message: "no space with this key"}
		}
		if body.Title == "" {
			return &atlassiansim.FieldError{Field: "title", Message: "is empty"}
		}
		return nil
	})
	if !ok {
		return
	}
	id, err := s.AddPage(body.Space, body.Title, body.Body)
	if err != nil {
		panic("confluencesim: " + err.Error()) // the space has been found above
	}
	atlassiansim.WriteControl(w, http.StatusCreated, map[string]string{"id": id})
}
