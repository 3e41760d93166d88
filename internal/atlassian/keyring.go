package atlassian

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// rereadEvery bounds how often refused credentials are looked up again: every
// look-up costs, and a token that was revoked stays refused.
const rereadEvery = time.Minute

// Keyring holds an account's credentials and reads them again when they have
// expired or are refused, so that a rotated secret needs no deployment. It is
// safe for concurrent use.
type Keyring struct {
	read    func(context.Context) (Credentials, error)
	now     func() time.Time
	current atomic.Pointer[Credentials]

	// reading is held by who reads; a channel, so that those who wait for it
	// still obey their contexts. It guards the rest.
	reading chan struct{}
	readAt  time.Time
	denied  error // what the last read came to, if that was a refusal
}

// NewKeyring returns a Keyring that is empty until Read. Calls of read never
// overlap. It fails with an *Error where Atlassian does not give a token.
func NewKeyring(read func(context.Context) (Credentials, error)) *Keyring {
	return &Keyring{read: read, now: time.Now, reading: make(chan struct{}, 1)}
}

// Read reads the credentials for the first time, before any are asked for. That
// Atlassian does not give a token just now is no error yet: the first request
// asks for one again, under the guard's retries and circuit.
func (k *Keyring) Read(ctx context.Context) error {
	c, err := k.read(ctx)
	if _, atlassians := errors.AsType[*Error](err); err != nil && !atlassians {
		return fmt.Errorf("credentials: %w", err)
	}
	k.current.Store(&c)
	return nil
}

// Current gives the credentials as they were last read, expired or not.
func (k *Keyring) Current() Credentials { return *k.current.Load() }

// Fresh gives credentials that have not expired, and reads them if need be: one
// call does, the others wait for what it brings. A refusal stands for a minute.
// Errors are *Error, and nothing has been performed.
func (k *Keyring) Fresh(ctx context.Context) (Credentials, error) {
	if c := k.Current(); c.usable(k.now()) {
		return c, nil
	}
	if err := k.lock(ctx); err != nil {
		return Credentials{}, fromNetwork(err, false, false)
	}
	defer k.unlock()
	if c := k.Current(); c.usable(k.now()) {
		return c, nil
	}
	if k.denied != nil && k.recent() {
		return Credentials{}, k.denied
	}
	return k.reread(ctx)
}

// Renew gives credentials other than the refused ones, if there are any: those
// that another call has read meanwhile, or those read now, once a minute at
// most.
func (k *Keyring) Renew(ctx context.Context, refused Credentials) (Credentials, bool) {
	if k.lock(ctx) != nil {
		return Credentials{}, false
	}
	defer k.unlock()
	if current := k.Current(); current != refused {
		return current, true
	}
	if k.recent() {
		return Credentials{}, false
	}
	c, err := k.reread(ctx)
	return c, err == nil && c != refused
}

func (k *Keyring) lock(ctx context.Context) error {
	select {
	case k.reading <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *Keyring) unlock() { <-k.reading }

// recent tells whether the last read was less than rereadEvery ago.
func (k *Keyring) recent() bool {
	age := k.now().Sub(k.readAt)
	return !k.readAt.IsZero() && age >= 0 && age < rereadEvery
}

func (k *Keyring) reread(ctx context.Context) (Credentials, error) {
	k.readAt, k.denied = k.now(), nil
	c, err := k.read(ctx)
	if err == nil {
		k.current.Store(&c)
		return c, nil
	}
	if _, atlassians := errors.AsType[*Error](err); !atlassians {
		err = &Error{Reason: reasonUnauthorized, cause: err}
	}
	if IsRefused(err) {
		k.denied = err
	}
	return Credentials{}, err
}
