package atlassian

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestParseCredentials(t *testing.T) {
	for rule, c := range map[string]struct {
		secret string
		auth   Auth
		want   Credentials
		fails  bool
	}{
		"email and token":                 {`{"email":"me@example.com","token":"s3cret"}`, Basic, Credentials{"me@example.com", "s3cret"}, false},
		"bearer needs no email":           {`{"token":"s3cret"}`, Bearer, Credentials{"", "s3cret"}, false},
		"basic does":                      {`{"token":"s3cret"}`, Basic, Credentials{}, true},
		"pasted line ends are dropped":    {`{"email":" me@example.com\n","token":"s3cret\r\n"}`, Basic, Credentials{"me@example.com", "s3cret"}, false},
		"what no header may hold is none": {`{"token":"s3\ncret"}`, Bearer, Credentials{}, true},
		"a token is needed":               {`{"email":"s3cret"}`, Basic, Credentials{}, true},
		"text that is no JSON":            {`s3cret`, Bearer, Credentials{}, true},
	} {
		t.Run(rule, func(t *testing.T) {
			got, err := ParseCredentials(c.secret, c.auth)
			if got != c.want || (err != nil) != c.fails || err != nil && strings.Contains(err.Error(), "s3") {
				t.Errorf("got %v, %v", got == c.want, err)
			}
		})
	}
}

func TestASecretNeverShows(t *testing.T) {
	c := Credentials{"me@example.com", "s3cret"}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", c.Token, "credentials", c)
	shown := fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c.Token, c.Token) + string(encoded) + log.String()
	if strings.Contains(shown, "s3cret") {
		t.Error(shown)
	}
}

// One reads, the others wait for what it brings, and none waits longer than its
// own call may.
func TestConcurrentRefusalsAreOneLookUp(t *testing.T) {
	begun, proceed := make(chan struct{}), make(chan struct{})
	reads := 0
	k := NewKeyring(func(context.Context) (Credentials, error) {
		if reads++; reads == 1 {
			return Credentials{Token: "old"}, nil
		}
		close(begun)
		<-proceed
		return Credentials{Token: "new"}, nil
	})
	if err := k.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := k.Current()
	renew := func() {
		if c, changed := k.Renew(t.Context(), old); !changed || c.Token != "new" {
			t.Errorf("got %v", changed)
		}
	}
	var calls sync.WaitGroup
	calls.Go(renew)
	<-begun
	for range 8 {
		calls.Go(renew)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, changed := k.Renew(ended, old); changed {
		t.Error("a call that has ended got credentials")
	}
	if k.Current() != old {
		t.Error("calls go on with the credentials there are")
	}
	close(proceed)
	calls.Wait()
	if reads != 2 {
		t.Errorf("%d reads", reads)
	}
}

func TestALookUpThatFailsChangesNothing(t *testing.T) {
	err := error(nil)
	k := NewKeyring(func(context.Context) (Credentials, error) { return Credentials{Token: "old"}, err })
	now := time.UnixMilli(0)
	k.now = func() time.Time { return now }
	if err := k.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = errors.New("away")
	if _, changed := k.Renew(t.Context(), k.Current()); changed || k.Current().Token != "old" {
		t.Error("a failed look-up brought credentials")
	}
	if k.Read(t.Context()) == nil {
		t.Error("the first read tells its error")
	}
}
