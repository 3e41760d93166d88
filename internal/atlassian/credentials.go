package atlassian

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// Secret is text that no log, error or dump may show.
type Secret string

func (Secret) String() string               { return "[secret]" }
func (Secret) GoString() string             { return "[secret]" }
func (Secret) LogValue() slog.Value         { return slog.StringValue("[secret]") }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"[secret]"`), nil }

// Credentials of one account: an email address and an API token for Basic
// authentication, a token alone for Bearer.
type Credentials struct {
	Email string
	Token Secret
}

// ParseCredentials reads the secret {"email":"…","token":"…"}, of which Bearer
// needs no email. The error shows nothing of it.
func ParseCredentials(secret string, auth Auth) (Credentials, error) {
	var c struct{ Email, Token string }
	if json.Unmarshal([]byte(secret), &c) != nil {
		return Credentials{}, errors.New(`want JSON such as {"email":"…","token":"…"}`)
	}
	// Pasting leaves line ends behind, which no header may hold.
	c.Email, c.Token = strings.TrimSpace(c.Email), strings.TrimSpace(c.Token)
	switch {
	case c.Token == "" || strings.ContainsFunc(c.Token, unfitForHeader):
		return Credentials{}, errors.New(`"token" is missing or no token`)
	case auth == Basic && c.Email == "":
		return Credentials{}, errors.New(`"email" is missing, which basic authentication needs`)
	}
	return Credentials{c.Email, Secret(c.Token)}, nil
}

func unfitForHeader(r rune) bool { return r <= ' ' || r > '~' }

// Auth is how credentials are sent.
type Auth string

const (
	Basic  Auth = "basic"
	Bearer Auth = "bearer"
)

func (a Auth) header(c Credentials) string {
	if a == Bearer {
		return "Bearer " + string(c.Token)
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Email+":"+string(c.Token)))
}

// rereadEvery bounds how often refused credentials are looked up again: every
// look-up costs, and a token that was revoked stays refused.
const rereadEvery = time.Minute

// Keyring holds an account's credentials and reads them again when they are
// refused, so that a rotated token needs no deployment. It is safe for
// concurrent use.
type Keyring struct {
	read    func(context.Context) (Credentials, error)
	now     func() time.Time
	current atomic.Pointer[Credentials]

	// reading is held by who reads; a channel, so that those who wait for it
	// still obey their contexts. It guards readAt.
	reading chan struct{}
	readAt  time.Time
}

// NewKeyring returns a Keyring that is empty until Read.
func NewKeyring(read func(context.Context) (Credentials, error)) *Keyring {
	return &Keyring{read: read, now: time.Now, reading: make(chan struct{}, 1)}
}

// Read reads the credentials for the first time, before Current is asked.
func (k *Keyring) Read(ctx context.Context) error {
	c, err := k.read(ctx)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	k.current.Store(&c)
	return nil
}

// Current gives the credentials as they were last read.
func (k *Keyring) Current() Credentials { return *k.current.Load() }

// Renew gives credentials other than the refused ones, if there are any: those
// that another call has read meanwhile, or those read now, once a minute at
// most.
func (k *Keyring) Renew(ctx context.Context, refused Credentials) (Credentials, bool) {
	select {
	case k.reading <- struct{}{}:
		defer func() { <-k.reading }()
	case <-ctx.Done():
		return Credentials{}, false
	}
	if current := k.Current(); current != refused {
		return current, true
	}
	now := k.now()
	if age := now.Sub(k.readAt); !k.readAt.IsZero() && age >= 0 && age < rereadEvery {
		return Credentials{}, false
	}
	k.readAt = now
	c, err := k.read(ctx)
	if err != nil || c == refused {
		return Credentials{}, false
	}
	k.current.Store(&c)
	return c, true
}
