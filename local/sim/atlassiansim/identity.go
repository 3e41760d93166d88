package atlassiansim

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Identity is the result of checking a request's credentials.
type Identity string

// The identities.
const (
	Accepted  Identity = "accepted"
	Anonymous Identity = "anonymous" // none were sent, or none that Atlassian reads
	Refused   Identity = "refused"   // a Basic pair that is not accepted: the product says what that means
	Barred    Identity = "barred"    // not served
)

// Credentials are the only ones accepted of an account.
type Credentials struct {
	Email string `json:"email"` // for Basic, in any case
	Token string `json:"token"`
}

// App are the only client credentials that get access tokens.
type App struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// account keeps what is accepted. It is safe for concurrent use.
type account struct {
	mu     sync.Mutex
	person Credentials
	app    App
	tokens map[string]time.Time // access tokens that have been issued: when they expire
}

func (a *account) get() (Credentials, App) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.person, a.app
}

func (a *account) setPerson(c Credentials) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.person = c
}

// setApp changes the client credentials; tokens that have been issued live on.
func (a *account) setApp(app App) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.app = app
}

func (a *account) issue(token string, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tokens == nil {
		a.tokens = map[string]time.Time{}
	}
	a.tokens[token] = until
}

func (a *account) endTokens() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens = nil
}

// bears reports whether a Bearer token is accepted at a time.
func (a *account) bears(token string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return token == a.person.Token || now.Before(a.tokens[token])
}

// identify judges the credentials of a request. Expired ones are never
// accepted.
func (a *account) identify(r *http.Request, gateway, expired bool, now time.Time) Identity {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if gateway && !expired && a.bears(token, now) {
			return Accepted
		}
		return Barred
	}
	want, _ := a.get()
	email, token, ok := r.BasicAuth()
	switch {
	case ok && !expired && strings.EqualFold(email, want.Email) && token == want.Token:
		return Accepted
	case ok && email != "":
		return Refused
	case gateway:
		return Barred
	default:
		return Anonymous
	}
}
