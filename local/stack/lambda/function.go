package lambda

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Defaults of Config. The timeout is Lambda's own; the concurrency keeps a
// laptop alive where the account's 1,000 would not.
const (
	DefaultTimeout     = 3 * time.Second
	DefaultInitTimeout = 10 * time.Second
	DefaultConcurrency = 50
	DefaultMemoryMB    = 128
)

// maxPayload is what Lambda takes and gives synchronously: 6 MB and a little.
const maxPayload = 6_291_556

// ErrThrottled says that every environment which the function may have is busy.
var ErrThrottled = errors.New("rate exceeded: the function's concurrency is used up")

// ErrClosed says that the function was closed.
var ErrClosed = errors.New("function closed")

// ErrPayloadTooLarge says that the request exceeds 6 MB. It did not reach the
// function.
var ErrPayloadTooLarge = fmt.Errorf("request exceeds %d bytes", maxPayload)

// FunctionError is an invocation that Lambda answers with a function error.
type FunctionError struct {
	Type    string // "Sandbox.Timedout", "Runtime.ExitError", or the function's own
	Message string
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Line is one line that a function wrote, or that its platform adds about it.
type Line struct {
	Function    string
	Environment string
	Text        string
}

// Config of a function. Zero durations and counts take the defaults above.
type Config struct {
	Name      string
	Bootstrap string   // path of the executable
	Env       []string // KEY=value; nothing is inherited from this process
	Timeout   time.Duration
	// InitTimeout bounds the time from process start to the first /next.
	InitTimeout time.Duration
	MemoryMB    int
	// Concurrency is the most environments at one time. Negative means none:
	// ReservedConcurrentExecutions 0, the kill switch.
	Concurrency int
	// Log is given each line, from several goroutines.
	Log func(Line)
}

// Function is the fleet of environments of one Lambda function. It is safe for
// concurrent use.
type Function struct {
	config Config

	mu     sync.Mutex
	closed bool
	serial int
	alive  []*environment
	idle   []*environment // longest idle first
}

// New returns a function without environments: the first call is a cold start.
func New(c Config) (*Function, error) {
	if c.Name == "" || c.Bootstrap == "" {
		return nil, errors.New("lambda: a function needs a name and a bootstrap")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.InitTimeout == 0 {
		c.InitTimeout = DefaultInitTimeout
	}
	if c.Concurrency == 0 {
		c.Concurrency = DefaultConcurrency
	}
	if c.MemoryMB == 0 {
		c.MemoryMB = DefaultMemoryMB
	}
	if c.Log == nil {
		c.Log = func(Line) {}
	}
	return &Function{config: c}, nil
}

// Name is the function's name.
func (f *Function) Name() string { return f.config.Name }

// Invoke runs one invocation and returns the function's response. Errors are
// ErrThrottled, ErrPayloadTooLarge, ErrClosed, *FunctionError, or the
// context's; the end of the context does not end the invocation, as a caller
// that hangs up does not.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return nil, ErrPayloadTooLarge
	}
	inv := newInvocation(payload)
	if err := f.assign(inv); err != nil {
		return nil, err
	}
	select {
	case r := <-inv.result:
		return r.payload, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// assign returns inv to the environment that has been idle longest, or to a new
// one. AWS leaves the choice open; the longest idle makes a few calls in a row
// visit the whole fleet.
func (f *Function) assign(inv *invocation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.idle) > 0 && !f.closed {
		e := f.idle[0]
		f.idle = f.idle[1:]
		e.jobs <- inv
		return nil
	}
	return f.add(inv)
}

// add starts an environment, for an invocation or for none yet. The caller
// holds mu.
func (f *Function) add(first *invocation) error {
	switch {
	case f.closed:
		return ErrClosed
	case len(f.alive) >= f.config.Concurrency:
		return ErrThrottled
	}
	f.serial++
	e, err := newEnvironment(f, fmt.Sprintf("%s-%d", f.config.Name, f.serial))
	if err != nil {
		return err
	}
	if first != nil {
		e.jobs <- first
	}
	f.alive = append(f.alive, e)
	go e.run()
	return nil
}

// Warm starts environments until n are alive, and waits until none of those
// alive is initialising any more. It fails with the first failed INIT.
func (f *Function) Warm(ctx context.Context, n int) error {
	f.mu.Lock()
	for len(f.alive) < n {
		if err := f.add(nil); err != nil {
			f.mu.Unlock()
			return fmt.Errorf("warm %s: %w", f.config.Name, err)
		}
	}
	waiting := slices.Clone(f.alive)
	f.mu.Unlock()
	for _, e := range waiting {
		select {
		case <-e.initialised:
		case <-e.gone:
			return fmt.Errorf("warm %s: environment %s ended while it initialised", f.config.Name, e.id)
		case <-ctx.Done():
			return fmt.Errorf("warm %s: %w", f.config.Name, ctx.Err())
		}
	}
	return nil
}

// Environment is a snapshot of one execution environment.
type Environment struct {
	ID          string    `json:"id"`
	PID         int       `json:"pid"`
	Function    string    `json:"function"`
	State       string    `json:"state"` // initialising, frozen, busy
	Invocations int       `json:"invocations"`
	Started     time.Time `json:"started"`
}

// Environments lists the environments that are alive, oldest first.
func (f *Function) Environments() []Environment {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Environment, 0, len(f.alive))
	for _, e := range f.alive {
		list = append(list, e.snapshot())
	}
	return list
}

// Kill ends environments with SIGKILL, whatever they do, and waits until they
// are gone. Without ids it ends all. It returns the number ended.
func (f *Function) Kill(ids ...string) int {
	f.mu.Lock()
	var doomed []*environment
	for _, e := range f.alive {
		if len(ids) == 0 || slices.Contains(ids, e.id) {
			doomed = append(doomed, e)
		}
	}
	for _, e := range doomed {
		f.withdraw(e) // before the signal: no invocation is given to the dying
		e.kill("killed")
	}
	f.mu.Unlock()
	for _, e := range doomed {
		<-e.gone
	}
	return len(doomed)
}

// Close ends every environment. Later invocations return ErrClosed.
func (f *Function) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.Kill()
}

// rest makes e available for the next invocation, unless one waits for it
// already: the one it was started for.
func (f *Function) rest(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !e.doomed() && len(e.jobs) == 0 {
		f.idle = append(f.idle, e)
	}
}

func (f *Function) forget(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.withdraw(e)
	f.alive = slices.DeleteFunc(f.alive, func(other *environment) bool { return other == e })
}

// withdraw takes e out of the idle. The caller holds mu.
func (f *Function) withdraw(e *environment) {
	f.idle = slices.DeleteFunc(f.idle, func(other *environment) bool { return other == e })
}

// invocation is one event on its way through an environment.
type invocation struct {
	id      string
	trace   string
	payload []byte
	result  chan reply // holds one, so that nobody waits for a caller who left
}

type reply struct {
	payload []byte
	err     error
}

func newInvocation(payload []byte) *invocation {
	return &invocation{
		id:      requestID(),
		trace:   "Root=1-" + randomHex(4) + "-" + randomHex(12) + ";Sampled=0",
		payload: payload,
		result:  make(chan reply, 1),
	}
}

// requestID is a UUID of version 4, as Lambda's are.
func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
