package atlassian

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// site is a service that answers as it is told.
type site struct {
	*httptest.Server
	requests   atomic.Int32
	client     *Client
	keyring    *Keyring
	rejections atomic.Int32
	secret     atomic.Pointer[Credentials]
	reads      atomic.Int32
	clock      atomic.Int64
}

func newSite(t *testing.T, auth Auth, handler http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	s.secret.Store(&Credentials{Email: "me@example.com", Token: "old"})
	now := func() time.Time { return time.UnixMilli(1_800_000_000_000 + s.clock.Load()) }
	keys := NewKeyring(func(context.Context) (Credentials, error) {
		s.reads.Add(1)
		return *s.secret.Load(), nil
	})
	keys.now = now
	if err := keys.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.keyring = keys
	s.client = New(Config{
		Base: base, Auth: auth, Keys: keys, Now: now,
		Rejected: func(context.Context) { s.rejections.Add(1) },
	})
	return s
}

var get = Request{Method: http.MethodGet, Path: "/rest/api/3/thing"}

func answering(status int, header map[string]string, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
