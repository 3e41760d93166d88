package atlassiansim

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
	DefaultEmail     = "bot@example.com"
	DefaultToken     = "local-token"
	DefaultCloudID   = "5f0c3a4e-0000-4000-8000-00000000c01d"
	DefaultAppID     = "local-app"
	DefaultAppSecret = "local-app-secret"
)

const (
	maxLag  = 5 * time.Second
	maxBody = 1 << 20
)

// Options of a simulator. The zero value is a complete one.
type Options struct {
	Credentials Credentials // what is accepted; empty: DefaultEmail and DefaultToken
	App         App         // what gets access tokens; empty: DefaultAppID and DefaultAppSecret
	CloudID     string      // of the gateway's paths; empty: DefaultCloudID

	// TokenLife is how long an access token is good; 0: an hour.
	TokenLife time.Duration
	// Lag draws how long searches miss what is new; nil: a random 0 to 5 s.
	// What was there at the start is always found.
	Lag func() time.Duration
	Now func() time.Time // nil: time.Now
}

// NoLag makes searches find what is new at once.
func NoLag() time.Duration { return 0 }

func randomLag() time.Duration { return rand.N(maxLag) }

// Complete puts the defaults in place of what is not given.
func (o Options) Complete() Options {
	if o.Credentials == (Credentials{}) {
		o.Credentials = Credentials{DefaultEmail, DefaultToken}
	}
	if o.App == (App{}) {
		o.App = App{DefaultAppID, DefaultAppSecret}
	}
	if o.CloudID == "" {
		o.CloudID = DefaultCloudID
	}
	if o.TokenLife == 0 {
		o.TokenLife = time.Hour
	}
	if o.Lag == nil {
		o.Lag = randomLag
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Product is what an Edge stands in front of.
type Product struct {
	Name   string // in the gateway's paths
	Scope  string // of access tokens
	Routes []Route
	// Failure is the form of an error of the product's own.
	Failure func(c *Call, status int, message string) Answer
	// Reset makes everything as it was at the start.
	Reset func()
	// Control adds control calls; nil: none.
	Control func(*http.ServeMux)
}

// Edge is what stands in front of a product: an http.Handler, safe for
// concurrent use. A TCP reset needs HTTP/1; on other connections a reset is an
// abort.
type Edge struct {
	options Options
	product Product
	own     []Route
	control http.Handler
	account account
	faults  *faults
	journal *journal
	traces  atomic.Uint64
}

// NewEdge returns an Edge in front of a product that has been reset.
func NewEdge(o Options, p Product) *Edge {
	e := &Edge{options: o.Complete(), product: p, faults: newFaults(), journal: newJournal()}
	e.own = e.ownRoutes()
	e.control = e.newControl()
	e.Reset()
	return e
}

// Set puts faults in force instead of all others; none heals. Requests that
// hang end. The error is a *FieldError.
func (e *Edge) Set(list ...Fault) error {
	if err := e.validate(list...); err != nil {
		return err
	}
	e.faults.replace(list...)
	return nil
}

// Add puts one more fault in force. Of several that match, the oldest strikes.
func (e *Edge) Add(f Fault) error {
	if err := e.validate(f); err != nil {
		return err
	}
	e.faults.add(f)
	return nil
}

func (e *Edge) validate(list ...Fault) error {
	for _, f := range list {
		if err := f.invalid(e.operations()); err != nil {
			return fmt.Errorf("fault: %w", err)
		}
	}
	return nil
}

// Clear heals.
func (e *Edge) Clear() { e.faults.replace() }

// Faults returns those in force, oldest first, with the Times that are left.
func (e *Edge) Faults() []Fault { return e.faults.all() }

// Log returns the requests, oldest first, at most the last 10,000.
func (e *Edge) Log() []Request { return e.journal.all() }

// Counts returns the number of requests by operation, faulty ones included.
func (e *Edge) Counts() map[Operation]int { return e.journal.count() }

// Account returns the credentials that are accepted.
func (e *Edge) Account() Credentials {
	person, _ := e.account.get()
	return person
}

// Rotate changes the credentials that are accepted from now on.
func (e *Edge) Rotate(c Credentials) { e.account.setPerson(c) }

// RotateApp changes the client credentials that get access tokens from now on;
// tokens that have been issued live on.
func (e *Edge) RotateApp(a App) { e.account.setApp(a) }

// EndTokens ends every access token that has been issued.
func (e *Edge) EndTokens() { e.account.endTokens() }

// Now is the simulator's time.
func (e *Edge) Now() time.Time { return e.options.Now() }

// Reset makes everything as it was at the start.
func (e *Edge) Reset() {
	e.faults.replace()
	e.account.setPerson(e.options.Credentials)
	e.account.setApp(e.options.App)
	e.account.endTokens()
	e.product.Reset()
	e.journal.reset()
}

// ServeHTTP answers the product's calls, and the control calls below /_sim/.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		e.control.ServeHTTP(w, r)
		return
	}
	// net/http sees a client leave only once the body has been read: without
	// this a hung request would stay for ever.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		gatewayError(http.StatusRequestEntityTooLarge, "The request body is too large.").send(w)
		return
	}
	cloudID, path, gateway := e.splitGateway(r.URL.EscapedPath())
	route, took := e.find(r.Method, path, gateway)
	if gateway && cloudID != e.options.CloudID {
		route.Serve = noCloud
	}
	now := e.Now()
	fault, healed := e.faults.next(route.Operation)
	c := &Call{Request: r, Body: body, Query: r.URL.Query(), Origin: origin(r), Took: took, Now: now, fault: fault,
		Identity: e.account.identify(r, gateway, fault.Kind == ExpiredToken, now)}
	c.Base = c.Origin
	if gateway {
		c.Base += "/ex/" + e.product.Name + "/" + cloudID
	}
	e.serve(w, c, route, strike{fault, healed})
}

// origin is the scheme and host under which a client reached the simulator.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// serve performs a call unless a fault strikes first, and enters it in the
// journal whatever happens: faults may end it by a panic.
func (e *Edge) serve(w http.ResponseWriter, c *Call, route Route, strike strike) {
	status := 0
	entry := e.journal.begin(Request{Time: c.Now, Method: c.Request.Method, Path: c.Request.URL.Path,
		Operation: route.Operation, Fault: strike.Kind, Identity: c.Identity, Connection: c.Request.RemoteAddr})
	defer func() { e.journal.end(entry, e.Now(), status, c.Created) }()

	w.Header().Set("atl-traceid", fmt.Sprintf("%032x", e.traces.Add(1)))
	var a Answer
	struck := false
	if !strike.AfterCommit {
		a, struck = strike.land(w, c, e.product.Failure)
	}
	if !struck {
		c.Now = e.Now() // it may have been delayed
		a = perform(c, route)
	}
	if strike.AfterCommit {
		if instead, struck := strike.land(w, c, e.product.Failure); struck {
			a = instead
		}
	}
	if strike.Kind == BadJSON {
		a = a.cut()
	}
	status = a.Status
	a.send(w)
}

// perform is the product without faults.
func perform(c *Call, route Route) Answer {
	if c.Identity == Barred {
		return gatewayError(http.StatusForbidden, "Forbidden")
	}
	a := route.Serve(c)
	if c.Identity == Refused {
		a = a.With("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
	}
	return a
}
