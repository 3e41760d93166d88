package atlassian

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// One reads, the others wait for what it brings, and none waits longer than its
// own call may.
func TestConcurrentRejectionsShareOneRead(t *testing.T) {
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

func TestAFailedReadKeepsTheCredentials(t *testing.T) {
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

// reader returns what it is told, and counts.
type reader struct {
	credentials Credentials
	err         error
	reads       int
}

func (r *reader) read(context.Context) (Credentials, error) {
	r.reads++
	return r.credentials, r.err
}

func (r *reader) keyring(t *testing.T) *Keyring {
	t.Helper()
	k := NewKeyring(r.read)
	if err := k.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestCredentialsAreReadAgainWhenTheyHaveExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{credentials: Credentials{Token: "first", Until: time.Now().Add(time.Hour)}}
		k := r.keyring(t)
		time.Sleep(time.Hour - time.Nanosecond)
		if c, err := k.Fresh(t.Context()); err != nil || c.Token != "first" || r.reads != 1 {
			t.Errorf("before: %s, %v, %d reads", string(c.Token), err, r.reads)
		}
		time.Sleep(time.Nanosecond)
		r.credentials = Credentials{Token: "second", Until: time.Now().Add(time.Hour)}
		if c, err := k.Fresh(t.Context()); err != nil || c.Token != "second" || r.reads != 2 {
			t.Errorf("after: %s, %v, %d reads", string(c.Token), err, r.reads)
		}
	})
}

func TestCredentialsWithoutAnExpiryAreNotReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{credentials: Credentials{Token: "t"}}
		k := r.keyring(t)
		time.Sleep(1000 * time.Hour)
		if c, err := k.Fresh(t.Context()); err != nil || c.Token != "t" || r.reads != 1 {
			t.Errorf("%v, %d reads", err, r.reads)
		}
	})
}

func TestErrorsOfAReread(t *testing.T) {
	passing, rejection := &Error{Reason: "http_503", Status: 503}, &Error{Reason: reasonUnauthorized, Status: 401}
	for rule, c := range map[string]struct {
		err      error
		rejected bool
		reads    int // of five calls
	}{
		"a passing failure is tried again by each call":           {passing, false, 5},
		"a rejection is cached for a minute":                      {rejection, true, 1},
		"a secret that cannot be read is an authentication error": {errors.New("secret x is missing"), true, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &reader{err: passing}
				k := r.keyring(t)
				r.err, r.reads = c.err, 0
				for range 5 {
					_, err := k.Fresh(t.Context())
					if _, ok := errors.AsType[*Error](err); !ok || IsRejected(err) != c.rejected {
						t.Fatalf("got %v", err)
					}
				}
				if r.reads != c.reads {
					t.Errorf("%d reads", r.reads)
				}
				time.Sleep(rereadEvery)
				r.err, r.credentials = nil, Credentials{Token: "t"}
				if _, err := k.Fresh(t.Context()); err != nil {
					t.Errorf("after a minute: %v", err)
				}
			})
		})
	}
}

func TestTheFirstRead(t *testing.T) {
	for rule, c := range map[string]struct {
		err   error
		fails bool
	}{
		"a secret that cannot be read is an error":             {errors.New("secret x is missing"), true},
		"a token that cannot be had is left to the first call": {&Error{Reason: "timeout"}, false},
		"so is a rejection": {&Error{Reason: reasonUnauthorized}, false},
	} {
		t.Run(rule, func(t *testing.T) {
			r := &reader{err: c.err}
			k := NewKeyring(r.read)
			if err := k.Read(t.Context()); (err != nil) != c.fails {
				t.Fatalf("got %v", err)
			}
			if c.fails {
				return
			}
			r.err, r.credentials = nil, Credentials{Token: "t"}
			if got, err := k.Fresh(t.Context()); err != nil || got.Token != "t" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A token that was rejected right after it was issued is not asked for again: the next
// would be no better.
func TestARejectedTokenIsRequestedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{credentials: Credentials{Token: "a", Until: time.Now()}}
		k := r.keyring(t)
		r.credentials = Credentials{Token: "b", Until: time.Now().Add(time.Hour)}
		c, err := k.Fresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.credentials.Token = "c"
		if _, changed := k.Renew(t.Context(), c); changed || r.reads != 2 {
			t.Errorf("%v, %d reads", changed, r.reads)
		}
		time.Sleep(rereadEvery)
		if got, changed := k.Renew(t.Context(), c); !changed || got.Token != "c" {
			t.Error("a minute later")
		}
	})
}

func TestConcurrentCallsShareOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		k := NewKeyring(func(ctx context.Context) (Credentials, error) {
			reads++ // the race detector sees calls that overlap
			time.Sleep(time.Second)
			return Credentials{Token: Secret(strings.Repeat("x", reads)), Until: time.Now().Add(time.Duration(reads-1) * time.Hour)}, ctx.Err()
		})
		if err := k.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() {
				if c, err := k.Fresh(t.Context()); err != nil || c.Token != "xx" {
					t.Errorf("%s, %v", string(c.Token), err)
				}
			})
		}
		calls.Wait()
		if reads != 2 {
			t.Errorf("%d reads", reads)
		}
	})
}

func TestACallThatWaitsForAReadObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyring(func(context.Context) (Credentials, error) {
			time.Sleep(time.Minute)
			return Credentials{Token: "t", Until: time.Now()}, nil
		})
		if err := k.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		calls.Go(func() { _, _ = k.Fresh(t.Context()) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := k.Fresh(ctx)
		if e, ok := errors.AsType[*Error](err); !ok || e.Reason != "timeout" || e.Ambiguous || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		calls.Wait()
	})
}
