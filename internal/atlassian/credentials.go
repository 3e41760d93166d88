package atlassian

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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

// ParseCredentials reads the secret {"email":"…","token":"…"}. The error shows
// nothing of it.
func ParseCredentials(secret string) (Credentials, error) {
	var c struct{ Email, Token string }
	if json.Unmarshal([]byte(secret), &c) != nil || c.Token == "" {
		return Credentials{}, errors.New(`want JSON with "token", and "email" for basic authentication`)
	}
	return Credentials{c.Email, Secret(c.Token)}, nil
}

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
	read func(context.Context) (Credentials, error)
	now  func() time.Time

	mu      sync.Mutex
	current Credentials
	readAt  time.Time
}

// NewKeyring reads the credentials for the first time.
func NewKeyring(ctx context.Context, read func(context.Context) (Credentials, error), now func() time.Time) (*Keyring, error) {
	c, err := read(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	return &Keyring{read: read, now: now, current: c}, nil
}

// Current gives the credentials as they were last read.
func (k *Keyring) Current() Credentials {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}

// Renew gives credentials other than the refused ones, if there are any: those
// that another call has read meanwhile, or those read now, once a minute at
// most.
func (k *Keyring) Renew(ctx context.Context, refused Credentials) (Credentials, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != refused {
		return k.current, true
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
	k.current = c
	return c, true
}
