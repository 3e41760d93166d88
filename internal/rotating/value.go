// Package rotating holds a value that is replaced elsewhere from time to time,
// such as a secret: it is read again once it has expired or was rejected, so that
// a rotation needs no deployment.
package rotating

import (
	"context"
	"sync/atomic"
	"time"
)

// Config of a Value. Read, Every and Now are required.
type Config[T comparable] struct {
	// Read reads the value. Its calls never overlap.
	Read func(context.Context) (T, error)
	// Every is the least time between two reads that a rejection causes: each
	// read costs, and a token that was revoked stays rejected.
	Every time.Duration
	// Final reports whether an error of Read stands for Every, in which it is
	// returned without another read. nil: none does.
	Final func(error) bool
	Now   func() time.Time
}

// Value is a value of type T, at first the zero T. It is safe for concurrent use.
type Value[T comparable] struct {
	Config[T]
	current atomic.Pointer[T]

	// reading is held by the caller that reads. It is a channel, so that the
	// callers that wait for it still obey their contexts. It guards the rest.
	reading chan struct{}
	readAt  time.Time
	final   error // of the last read
}

// New returns a Value that has read nothing.
func New[T comparable](c Config[T]) *Value[T] {
	v := &Value[T]{Config: c, reading: make(chan struct{}, 1)}
	v.Set(*new(T))
	return v
}

// Set replaces the value.
func (v *Value[T]) Set(value T) { v.current.Store(&value) }

// Current returns the value as it was last read or set.
func (v *Value[T]) Current() T { return *v.current.Load() }

// Get returns the current value if it is usable, and otherwise reads it: one
// caller does, the others wait for the result. The error is that of Read, or of
// ctx if it ends during the wait.
func (v *Value[T]) Get(ctx context.Context, usable func(T) bool) (T, error) {
	if value := v.Current(); usable(value) {
		return value, nil
	}
	var none T
	if err := v.lock(ctx); err != nil {
		return none, err
	}
	defer v.unlock()
	if value := v.Current(); usable(value) {
		return value, nil
	}
	if v.final != nil && v.recent() {
		return none, v.final
	}
	return v.read(ctx)
}

// Renew returns a value other than the rejected one, and whether there is one:
// another caller's, read meanwhile, or one that it reads itself, at most once in
// Config.Every.
func (v *Value[T]) Renew(ctx context.Context, rejected T) (value T, renewed bool, err error) {
	if err := v.lock(ctx); err != nil {
		return value, false, err
	}
	defer v.unlock()
	if current := v.Current(); current != rejected {
		return current, true, nil
	}
	if v.recent() {
		return value, false, nil
	}
	value, err = v.read(ctx)
	return value, err == nil && value != rejected, err
}

func (v *Value[T]) lock(ctx context.Context) error {
	select {
	case v.reading <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *Value[T]) unlock() { <-v.reading }

// recent reports whether the last read was less than Every ago.
func (v *Value[T]) recent() bool {
	age := v.Now().Sub(v.readAt)
	return !v.readAt.IsZero() && age >= 0 && age < v.Every
}

func (v *Value[T]) read(ctx context.Context) (T, error) {
	v.readAt, v.final = v.Now(), nil
	value, err := v.Read(ctx)
	if err == nil {
		v.Set(value)
		return value, nil
	}
	if v.Final != nil && v.Final(err) {
		v.final = err
	}
	var none T
	return none, err
}
