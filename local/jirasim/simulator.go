package jirasim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// What is accepted unless Options say otherwise.
const (
	DefaultEmail   = "bot@example.com"
	DefaultToken   = "local-token"
	DefaultCloudID = "5f0c3a4e-0000-4000-8000-00000000c01d"
)

const (
	maxLag  = 5 * time.Second
	maxBody = 1 << 20
)

// Options of a simulator. The zero value is a complete one.
type Options struct {
	Credentials Credentials // what is accepted; empty: DefaultEmail and DefaultToken
	CloudID     string      // of the gateway's paths; empty: DefaultCloudID

	// Lag draws how long searches miss a new issue; nil: a random 0 to 5 s.
	// Issues of the start are always found.
	Lag func() time.Duration
	Now func() time.Time // nil: time.Now
}

// NoLag makes searches find a new issue at once.
func NoLag() time.Duration { return 0 }

func randomLag() time.Duration { return rand.N(maxLag) }

// Simulator is an http.Handler, safe for concurrent use. A TCP reset needs
// HTTP/1; on other connections a reset is an abort.
type Simulator struct {
	options Options
	routes  []route
	control http.Handler
	site    site
	store   *store
	account *account
	faults  *faults
	journal *journal
	traces  atomic.Uint64
}

// New gives a simulator with two projects, OPS and WEB, and 120 issues of the
// 30 days before now, the same ones every time.
func New(o Options) *Simulator {
	if o.Credentials == (Credentials{}) {
		o.Credentials = Credentials{DefaultEmail, DefaultToken}
	}
	if o.CloudID == "" {
		o.CloudID = DefaultCloudID
	}
	if o.Lag == nil {
		o.Lag = randomLag
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Simulator{options: o, routes: routes(), site: newSite(), store: &store{}, account: &account{},
		faults: newFaults(), journal: newJournal()}
	s.control = s.newControl()
	s.Reset()
	return s
}

// Set puts faults in force instead of all others; none heals. Requests that
// hang end.
func (s *Simulator) Set(list ...Fault) error {
	for _, f := range list {
		if err := f.Validate(); err != nil {
			return fmt.Errorf("fault: %w", err)
		}
	}
	s.faults.replace(list...)
	return nil
}

// Add puts one more fault in force. Of several that match, the oldest strikes.
func (s *Simulator) Add(f Fault) error {
	if err := f.Validate(); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	s.faults.add(f)
	return nil
}

// Clear heals.
func (s *Simulator) Clear() { s.faults.replace() }

// Faults gives those in force, oldest first, with the Times that are left.
func (s *Simulator) Faults() []Fault { return s.faults.all() }

// Log gives the requests, oldest first, at most the last 10,000.
func (s *Simulator) Log() []Request { return s.journal.all() }

// Counts gives the number of requests by operation, faulty ones included.
func (s *Simulator) Counts() map[Operation]int { return s.journal.count() }

// Rotate changes what is accepted from now on.
func (s *Simulator) Rotate(c Credentials) { s.account.set(c) }

// Reset makes everything as it was at the start.
func (s *Simulator) Reset() {
	s.faults.replace()
	s.account.set(s.options.Credentials)
	s.store.reset(seed(s.site, s.options.Now()))
	s.journal.reset()
}

// ServeHTTP answers Jira's calls, and the control calls below /_sim/.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.control.ServeHTTP(w, r)
		return
	}
	// net/http sees a client leave only once the body has been read: without
	// this a hung request would stay for ever.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		gatewayError(http.StatusRequestEntityTooLarge, "The request body is too large.").send(w)
		return
	}
	cloudID, path, gateway := splitGateway(r.URL.EscapedPath())
	route, key := s.find(r.Method, path)
	if gateway && cloudID != s.options.CloudID {
		route.serve = (*Simulator).noCloud
	}
	fault, healed := s.faults.next(route.operation)
	c := &call{request: r, body: body, query: r.URL.Query(), base: base(r, cloudID), key: key,
		identity: s.account.identify(r, gateway, fault.Kind == ExpiredToken)}
	s.serve(w, c, route, strike{fault, healed})
}

// serve performs a call unless a fault strikes first, and enters it in the
// journal whatever happens: faults may end it by a panic.
func (s *Simulator) serve(w http.ResponseWriter, c *call, route route, strike strike) {
	status := 0
	entry := s.journal.begin(Request{Time: s.options.Now(), Method: c.request.Method, Path: c.request.URL.Path,
		Operation: route.operation, Fault: strike.Kind, Identity: c.identity, Connection: c.request.RemoteAddr})
	defer func() { s.journal.end(entry, s.options.Now(), status, c.created) }()

	w.Header().Set("atl-traceid", fmt.Sprintf("%032x", s.traces.Add(1)))
	var a answer
	struck := false
	if !strike.AfterCommit {
		a, struck = strike.land(w, c.request)
	}
	if !struck {
		a = s.perform(c, route)
	}
	if strike.AfterCommit {
		if instead, struck := strike.land(w, c.request); struck {
			a = instead
		}
	}
	if strike.Kind == BadJSON {
		a = a.cut()
	}
	status = a.status
	a.send(w)
}

// perform is Jira without faults.
func (s *Simulator) perform(c *call, route route) answer {
	if c.identity == Barred {
		return gatewayError(http.StatusForbidden, "Forbidden")
	}
	a := route.serve(s, c)
	if c.identity == Refused {
		a.header = map[string]string{"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
	}
	return a
}

func (s *Simulator) noCloud(*call) answer {
	return gatewayError(http.StatusNotFound, "No site with this cloud id.")
}
