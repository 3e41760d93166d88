package session

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coldfuse/coldfuse/internal/gateway"
)

func TestTheSecretIsReadWhenItIsFirstNeededAndThenKept(t *testing.T) {
	reads := 0
	s := newSiteAt(t, "", soon, func(c *Config) {
		c.URI = func(context.Context) (string, error) { reads++; return server.URI, nil }
	})
	if reads != 0 {
		t.Error("read before it was needed")
	}
	for range 3 {
		want[nothing](s, 200, request{method: "GET"})
	}
	if reads != 1 {
		t.Errorf("read %d times", reads)
	}
}

func TestAFailureToReadTheSecretIsNotKept(t *testing.T) {
	reads := 0
	s := newSiteAt(t, "", soon, func(c *Config) {
		c.URI = func(context.Context) (string, error) {
			if reads++; reads <= 5 {
				return "", errors.New("hunter2")
			}
			return server.URI, nil
		}
	})
	w := s.do(request{method: "GET"})
	if p := read[gateway.Problem](t, w); w.Code != 503 || p.Reason != "secret" || p.Attempts != 4 || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	want[nothing](s, 200, request{method: "GET"})
}

// Which secret it is, and why it cannot be used, is told once a call.
func TestASecretThatCannotBeUsedIsReported(t *testing.T) {
	missing := errors.New("secret mongodb is missing")
	for rule, c := range map[string]struct {
		uri  string
		err  error
		want string
	}{
		"it cannot be read":      {"", missing, missing.Error()},
		"it holds no address":    {"mongodb://ada:hunter2@db.example:port", nil, "its uri is not a connection string"},
		"it holds another thing": {"https://ada:hunter2@db.example", nil, "its uri is not a connection string"},
	} {
		t.Run(rule, func(t *testing.T) {
			var told []string
			s := newSiteAt(t, "", soon, func(config *Config) {
				config.URI = func(context.Context) (string, error) { return c.uri, c.err }
				config.Unusable = func(_ context.Context, err error) { told = append(told, err.Error()) }
			})
			for n := range 2 {
				w := s.do(request{method: "GET"})
				if len(told) != n+1 || told[n] != c.want || strings.Contains(w.Body.String(), missing.Error()) {
					t.Errorf("told %q, answered %s", told, w.Body)
				}
			}
		})
	}
}

// One that took the place of the secret in use is told of too.
func TestASecretThatBecameInvalidIsReported(t *testing.T) {
	s := newScripted(t, repeated(failed(18), 10)...)
	var told []string
	secret := "mongodb://ada:hunter2@db.example"
	s.config.URI = func(context.Context) (string, error) {
		if secret == "" {
			return "", errors.New("secret mongodb is missing")
		}
		return secret, nil
	}
	s.config.Unusable = func(_ context.Context, err error) { told = append(told, err.Error()) }
	s.repository = New(s.config)
	want[gateway.Problem](s, 502, request{method: "GET"})
	secret = ""
	s.at(time.Now().Add(rereadEvery))
	want[gateway.Problem](s, 502, request{method: "GET"})
	if len(told) != 1 || told[0] != "secret mongodb is missing" {
		t.Errorf("told %q", told)
	}
}

func TestAConnectionStringThatIsNone(t *testing.T) {
	for rule, c := range map[string]struct {
		uri    string
		status int
		reason string
	}{
		"another scheme":                      {"https://ada:hunter2@db.example", 502, "configuration"},
		"a port that is not a number":         {"mongodb://ada:hunter2@db.example:port", 502, "configuration"},
		"a password that is not escaped":      {"mongodb://ada:hunter2@%zz@db.example", 502, "configuration"},
		"an unknown way of authentication":    {"mongodb://ada:hunter2@db.example/?authMechanism=hunter2", 502, "configuration"},
		"a server that asks for no passwords": {strings.Replace(server.URI, "//", "//ada:hunter2@", 1), 502, "code_59"},
		"a name that is not in the DNS":       {"mongodb+srv://ada:hunter2@cluster.invalid", 503, "connection"},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newSiteAt(t, c.uri, soon, nil)
			w := s.do(request{method: "GET"})
			if p := read[gateway.Problem](t, w); w.Code != c.status || p.Reason != c.reason {
				t.Errorf("%d %+v", w.Code, p)
			}
			for err := s.calls[0].Err; err != nil; err = errors.Unwrap(err) {
				if text := err.Error() + w.Body.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "db.example") {
					t.Errorf("told: %s", text)
				}
			}
		})
	}
}
