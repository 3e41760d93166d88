package jirasim

import (
	"net/http"
	"strings"
	"sync"
)

// Identity is what became of a request's credentials.
type Identity string

// The identities.
const (
	Accepted  Identity = "accepted"
	Anonymous Identity = "anonymous" // none were sent, or none that Jira reads
	Refused   Identity = "refused"   // served as anonymous, and said so in X-Seraph-LoginReason
	Barred    Identity = "barred"    // not served
)

// Credentials are the only ones accepted.
type Credentials struct {
	Email string `json:"email"` // for Basic, in any case
	Token string `json:"token"`
}

// account keeps the credentials. It is safe for concurrent use.
type account struct {
	mu       sync.Mutex
	accepted Credentials
}

func (a *account) get() Credentials {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.accepted
}

func (a *account) set(c Credentials) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accepted = c
}

// identify judges the credentials of a request. Expired ones are never
// accepted.
func (a *account) identify(r *http.Request, gateway, expired bool) Identity {
	want := a.get()
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if gateway && !expired && token == want.Token {
			return Accepted
		}
		return Barred
	}
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
