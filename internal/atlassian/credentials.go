package atlassian

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// Secret is text that no log, error or dump may show.
type Secret string

func (Secret) String() string               { return "[secret]" }
func (Secret) GoString() string             { return "[secret]" }
func (Secret) LogValue() slog.Value         { return slog.StringValue("[secret]") }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"[secret]"`), nil }

// Credentials authenticate an account: an email address and an API token for
// Basic authentication, otherwise a token alone.
type Credentials struct {
	Email string
	Token Secret
	// Until is when the token expires; zero if that is not known.
	Until time.Time
}

// usable reports whether there is a token that has not expired.
func (c Credentials) usable(now time.Time) bool {
	return c.Token != "" && (c.Until.IsZero() || now.Before(c.Until))
}

// ParseCredentials reads the secret {"email":"…","token":"…"}. Bearer needs no
// email. The error shows nothing of it.
func ParseCredentials(secret string, auth Auth) (Credentials, error) {
	var c struct{ Email, Token string }
	if json.Unmarshal([]byte(secret), &c) != nil {
		return Credentials{}, errors.New(`want JSON such as {"email":"…","token":"…"}`)
	}
	// A pasted value may end with a line break, which no header may contain.
	c.Email, c.Token = strings.TrimSpace(c.Email), strings.TrimSpace(c.Token)
	switch {
	case !fitsHeader(c.Token):
		return Credentials{}, errors.New(`"token" is missing or no token`)
	case auth == Basic && c.Email == "":
		return Credentials{}, errors.New(`"email" is missing, which basic authentication needs`)
	}
	return Credentials{Email: c.Email, Token: Secret(c.Token)}, nil
}

func fitsHeader(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Auth is how credentials are sent, and where they come from.
type Auth string

const (
	// Basic: an API token, classic, scoped or of a service account.
	Basic Auth = "basic"
	// Bearer: an access token that somebody else keeps fresh in the secret.
	Bearer Auth = "bearer"
	// ClientCredentials: access tokens by OAuth 2.0 of a service account.
	ClientCredentials Auth = "client_credentials"
)

func (a Auth) header(c Credentials) string {
	if a == Basic {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Email+":"+string(c.Token)))
	}
	return "Bearer " + string(c.Token)
}
