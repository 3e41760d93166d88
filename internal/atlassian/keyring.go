package atlassian

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coldfuse/coldfuse/internal/rotating"
)

// rereadEvery is the least time between two reads of rejected credentials.
const rereadEvery = time.Minute

// Keyring holds an account's credentials and reads them again once they have
// expired or are rejected. It is safe for concurrent use.
type Keyring struct {
	read  func(context.Context) (Credentials, error)
	now   func() time.Time
	value *rotating.Value[Credentials]
}

// NewKeyring returns a Keyring that is empty until Read. Calls of read never
// overlap. It fails with an *Error if Atlassian issues no token.
func NewKeyring(read func(context.Context) (Credentials, error)) *Keyring {
	k := &Keyring{read: read, now: time.Now}
	k.value = rotating.New(rotating.Config[Credentials]{
		Read: k.reread, Every: rereadEvery, Final: IsRejected, Now: func() time.Time { return k.now() },
	})
	return k
}

// Read reads the credentials for the first time, before any request. If Atlassian
// issues no token then, that is not an error yet: the first request asks for one
// again, under the guard's retries and circuit.
func (k *Keyring) Read(ctx context.Context) error {
	c, err := k.read(ctx)
	if _, atlassians := errors.AsType[*Error](err); err != nil && !atlassians {
		return fmt.Errorf("credentials: %w", err)
	}
	k.value.Set(c)
	return nil
}

// Current returns the credentials as they were last read, expired or not.
func (k *Keyring) Current() Credentials { return k.value.Current() }

// Fresh returns credentials that have not expired, and reads them if need be: one
// call does, the others wait for its result. A rejection is cached for one
// minute. Errors are *Error, and no request has been sent.
func (k *Keyring) Fresh(ctx context.Context) (Credentials, error) {
	c, err := k.value.Get(ctx, func(c Credentials) bool { return c.usable(k.now()) })
	if _, atlassians := errors.AsType[*Error](err); err != nil && !atlassians {
		err = fromNetwork(err, false, false) // the caller's time has ended
	}
	return c, err
}

// Renew returns credentials other than the rejected ones, and whether there are
// any: those that another call has read meanwhile, or those read now, at most
// once a minute.
func (k *Keyring) Renew(ctx context.Context, rejected Credentials) (Credentials, bool) {
	c, renewed, _ := k.value.Renew(ctx, rejected)
	return c, renewed
}

// reread is read with every error as an *Error.
func (k *Keyring) reread(ctx context.Context) (Credentials, error) {
	c, err := k.read(ctx)
	if _, atlassians := errors.AsType[*Error](err); err != nil && !atlassians {
		err = &Error{Reason: reasonUnauthorized, cause: err}
	}
	return c, err
}
