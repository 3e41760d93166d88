package lambda

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// start runs the bootstrap as the leader of a process group of its own, so
// that a signal reaches all that it starts and a Ctrl-C on the terminal does
// not.
func (e *environment) start(runtimeAPI string) error {
	c := e.function.config
	lines := &lineWriter{emit: e.log}
	e.command = exec.Command(c.Bootstrap)
	e.command.Dir = filepath.Dir(c.Bootstrap)
	e.command.Env = append(e.platformEnv(runtimeAPI), c.Env...)
	e.command.Stdout, e.command.Stderr = lines, lines
	e.command.SysProcAttr = ownGroup()
	e.command.WaitDelay = time.Second // a grandchild may hold the pipe open
	started := make(chan error)
	go e.supervise(started, lines)
	if err := <-started; err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// supervise starts the process and waits for its end on one thread: to the
// kernel a process's parent is the thread that started it, see ownGroup.
func (e *environment) supervise(started chan<- error, lines *lineWriter) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := e.command.Start()
	started <- err
	if err != nil {
		return
	}
	e.command.Wait() // its error is in ProcessState
	lines.flush()
	close(e.exited)
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
