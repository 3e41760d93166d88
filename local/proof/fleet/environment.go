package fleet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/child"
	"github.com/coldfuse/coldfuse/local/proof/fleet/wire"
)

// Environment is one execution environment: a process that serves one call at
// a time.
type Environment struct {
	ID    string
	Group int // which of the stores' proxies it uses

	command *exec.Cmd
	in      io.WriteCloser
	exited  <-chan struct{}
	ready   chan struct{}

	mu      sync.Mutex
	pending map[int64]chan wire.Report // at most one
	frozen  bool
	reports []wire.Report
	freezes []Span
	killed  time.Time
	crashed bool // it ended without being killed
}

// Span is a time; its end is zero while it lasts.
type Span struct{ From, To time.Time }

// overlaps reports whether a span touches the time from one instant to another.
func (s Span) overlaps(from, to time.Time) bool {
	return !s.From.After(to) && (s.To.IsZero() || !s.To.Before(from))
}

// start runs the process and returns at once: see ready.
func start(binary string, group int, config wire.Config, environment []string) (*Environment, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	e := &Environment{
		ID: config.ID, Group: group,
		command: exec.Command(binary), ready: make(chan struct{}), pending: map[int64]chan wire.Report{},
	}
	e.command.Env = append(environment, wire.Variable+"="+string(text))
	e.command.Stderr = os.Stderr
	if e.in, err = e.command.StdinPipe(); err != nil {
		return nil, err
	}
	// Not StdoutPipe: Wait closes it while a last line is unread.
	out, childsEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	e.command.Stdout = childsEnd
	e.exited, err = child.Start(e.command, nil)
	childsEnd.Close()
	if err != nil {
		out.Close()
		return nil, fmt.Errorf("environment %s: %w", config.ID, err)
	}
	go e.listen(out)
	return e, nil
}

// listen takes reports until the process ends. Calls that it has not answered
// by then end without a report.
func (e *Environment) listen(out io.ReadCloser) {
	defer out.Close()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var r wire.Report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			continue // the last line of a killed process
		}
		e.take(r)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, answer := range e.pending {
		close(answer)
		delete(e.pending, id)
	}
	e.frozen = true // nothing more is sent to it
	e.crashed = e.killed.IsZero()
}

func (e *Environment) take(r wire.Report) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reports = append(e.reports, r)
	switch r.Kind {
	case wire.Ready:
		close(e.ready)
	case wire.Done:
		e.pending[r.Call] <- r
		delete(e.pending, r.Call)
	}
}

// send passes a call to the environment if it is idle. The channel carries the
// report, or is closed if the process ends first.
func (e *Environment) send(c wire.Call) (<-chan wire.Report, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.frozen || len(e.pending) > 0 {
		return nil, false
	}
	answer := make(chan wire.Report, 1)
	e.pending[c.ID] = answer
	line, err := json.Marshal(c)
	if err == nil {
		_, err = e.in.Write(append(line, '\n')) // one line fits a pipe
	}
	if err != nil { // it has just died
		delete(e.pending, c.ID)
		return nil, false
	}
	return answer, true
}

// Reports returns what the environment has reported, in order.
func (e *Environment) Reports() []wire.Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.reports)
}

// Busy reports whether the environment cannot serve a call now.
func (e *Environment) Busy() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.frozen || len(e.pending) > 0
}

// Dead reports whether the environment was killed.
func (e *Environment) Dead() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.killed.IsZero()
}

// Kill sends SIGKILL to the process and waits for its end.
func (e *Environment) Kill() {
	e.mu.Lock()
	if e.killed.IsZero() {
		e.killed = time.Now()
	}
	e.frozen = true
	e.mu.Unlock()
	e.signal(syscall.SIGKILL)
	<-e.exited
}

// Freeze stops the process at once, as Lambda does between invocations.
func (e *Environment) Freeze() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.frozen {
		return
	}
	e.frozen = true
	e.freezes = append(e.freezes, Span{From: time.Now()})
	e.signal(syscall.SIGSTOP)
}

// Thaw resumes a frozen process.
func (e *Environment) Thaw() {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := len(e.freezes) - 1
	if last < 0 || !e.freezes[last].To.IsZero() || !e.killed.IsZero() {
		return
	}
	e.frozen = false
	e.signal(syscall.SIGCONT)
	e.freezes[last].To = time.Now()
}

// signal sends a signal to the process group. Once the process is reaped, its id
// can belong to another; the check narrows that race to the reaping itself.
func (e *Environment) signal(s syscall.Signal) {
	select {
	case <-e.exited:
	default:
		_ = syscall.Kill(-e.command.Process.Pid, s) // it may have ended meanwhile
	}
}
