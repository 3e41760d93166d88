package lambda

import (
	"fmt"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// environment is one process and its Runtime API. Its run goroutine owns its
// life; the API's handlers only hand over to it.
type environment struct {
	function *Function
	id       string
	started  time.Time
	command  *exec.Cmd
	api      *http.Server

	jobs    chan *invocation // holds the one invocation assigned
	ready   chan struct{}    // the process asked for its next invocation
	deliver chan *invocation // to the waiting /next
	replies chan reply       // from /response, /error and /init/error

	exited      <-chan struct{} // the process has ended
	initialised chan struct{}   // the first /next arrived
	gone        chan struct{}   // run has ended, nothing is left

	mu          sync.Mutex
	state       string
	current     *invocation
	invocations int
	ending      string // why it was killed; empty while it may live
}

func newEnvironment(f *Function, id string) (*environment, error) {
	e := &environment{
		function:    f,
		id:          id,
		started:     time.Now(),
		jobs:        make(chan *invocation, 1),
		ready:       make(chan struct{}),
		deliver:     make(chan *invocation),
		replies:     make(chan reply),
		initialised: make(chan struct{}),
		gone:        make(chan struct{}),
		state:       "initialising",
	}
	address, err := e.serve()
	if err != nil {
		return nil, fmt.Errorf("environment %s: %w", id, err)
	}
	if err := e.start(address); err != nil {
		e.api.Close()
		return nil, fmt.Errorf("environment %s: %w", id, err)
	}
	return e, nil
}

// run is the environment's life: one INIT, then invocations until it dies.
func (e *environment) run() {
	defer e.end()
	if err := e.init(); err != nil {
		e.kill(err.Error())
		e.fail(err)
		return
	}
	for {
		// In this order, so that one seen frozen can be had. An invocation that
		// is assigned in between is taken from jobs, after the freeze.
		e.function.rest(e)
		e.freeze()
		select {
		case inv := <-e.jobs:
			if !e.invoke(inv) {
				return
			}
		case <-e.exited:
			return
		}
	}
}

func (e *environment) init() error {
	limit := time.NewTimer(e.function.config.InitTimeout)
	defer limit.Stop()
	select {
	case <-e.ready:
		close(e.initialised)
		return nil
	case r := <-e.replies:
		return r.err
	case <-e.exited:
		return e.exitError()
	case <-limit.C:
		return &FunctionError{"Sandbox.Timedout", fmt.Sprintf("INIT timed out after %s", e.function.config.InitTimeout)}
	}
}

// fail answers the invocation, if any, that this environment was started for.
func (e *environment) fail(err error) {
	select {
	case inv := <-e.jobs:
		inv.result <- reply{err: err}
	default:
	}
}

// invoke runs one invocation, which ends with the process's next request for
// one, not with its response. It reports whether the environment lives on.
func (e *environment) invoke(inv *invocation) bool {
	e.begin(inv)
	timeout := e.function.config.Timeout
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	answered := false
	answer := func(r reply) {
		if !answered {
			inv.result <- r
		}
		answered = true
	}
	e.thaw()
	deliver := e.deliver
	for {
		select {
		case deliver <- inv:
			deliver = nil
		case r := <-e.replies:
			answer(r)
		case <-e.ready:
			answer(reply{err: &FunctionError{"Runtime.NoResponse", "the runtime asked for the next invocation without an answer to this one"}})
			return true
		case <-e.exited:
			if deliver != nil {
				e.jobs <- inv // the process never saw it; end passes it on
				return false
			}
			answer(reply{err: e.exitError()})
			return false
		case <-limit.C:
			err := &FunctionError{"Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds())}
			e.kill(err.Message)
			answer(reply{err: err})
			return false
		}
	}
}

func (e *environment) begin(inv *invocation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state, e.current = "busy", inv
	e.invocations++
}

// kill ends the process, frozen or not, and keeps the first reason.
func (e *environment) kill(why string) {
	e.mu.Lock()
	if e.ending == "" {
		e.ending = why
	}
	e.mu.Unlock()
	e.signal(syscall.SIGKILL)
}

func (e *environment) doomed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ending != ""
}

// end leaves nothing of the environment behind. An invocation that was
// assigned but never reached the process goes to another environment: the
// caller must not pay for a process that died while it was idle.
func (e *environment) end() {
	e.signal(syscall.SIGKILL)
	<-e.exited
	e.api.Close()
	e.function.forget(e)
	select {
	case inv := <-e.jobs:
		if err := e.function.assign(inv); err != nil {
			inv.result <- reply{err: err}
		}
	default:
	}
	e.log("environment ended: " + e.why())
	close(e.gone)
}

func (e *environment) why() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ending != "" {
		return e.ending
	}
	return e.command.ProcessState.String()
}

func (e *environment) exitError() error {
	return &FunctionError{"Runtime.ExitError", "the process ended: " + e.why()}
}

func (e *environment) snapshot() Environment {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Environment{
		ID: e.id, PID: e.command.Process.Pid, Function: e.function.config.Name,
		State: e.state, Invocations: e.invocations, Started: e.started,
	}
}

func (e *environment) log(text string) {
	e.function.config.Log(Line{Function: e.function.config.Name, Environment: e.id, Text: text})
}
