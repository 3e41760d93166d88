package session

import (
	"context"
	"errors"
	"strings"
	"testing"

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

func TestAConnectionStringThatIsNone(t *testing.T) {
	for rule, c := range map[string]struct {
		uri    string
		status int
		reason string
	}{
		"another scheme":                      {"https://ada:hunter2@db.example", 502, "configuration"},
		"a port that is none":                 {"mongodb://ada:hunter2@db.example:port", 502, "configuration"},
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
