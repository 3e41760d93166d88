package lambda

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/coldfuse/coldfuse/internal/testserver/child"
)

// start runs the bootstrap.
func (e *environment) start(runtimeAPI string) (err error) {
	c := e.function.config
	lines := &lineWriter{emit: e.log}
	e.command = exec.Command(c.Bootstrap)
	e.command.Dir = filepath.Dir(c.Bootstrap)
	e.command.Env = append(e.platformEnv(runtimeAPI), c.Env...)
	e.command.Stdout, e.command.Stderr = lines, lines
	e.command.WaitDelay = time.Second // a grandchild may hold the pipe open
	if e.exited, err = child.Start(e.command, lines.flush); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// platformEnv is what Lambda sets itself; the function's own variables follow
// and win.
func (e *environment) platformEnv(runtimeAPI string) []string {
	c := e.function.config
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + runtimeAPI,
		"AWS_LAMBDA_FUNCTION_NAME=" + c.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		fmt.Sprintf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%d", c.MemoryMB),
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + c.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=" + e.id,
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"LAMBDA_TASK_ROOT=" + filepath.Dir(c.Bootstrap),
		"_HANDLER=bootstrap",
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"TZ=:UTC",
	}
}

// signal is sent to the whole group. After the process was reaped its number
// may be another's; the check narrows that race to the reaping itself.
func (e *environment) signal(s syscall.Signal) {
	select {
	case <-e.exited:
	default:
		syscall.Kill(-e.command.Process.Pid, s)
	}
}

// lineWriter cuts what a process writes into lines.
type lineWriter struct {
	emit func(string)
	mu   sync.Mutex
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		w.emit(string(line))
		w.rest = append(w.rest[:0], rest...)
	}
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.emit(string(w.rest))
		w.rest = nil
	}
}
