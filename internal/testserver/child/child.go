// Package child starts processes that end with this one, for tests and for the
// local stack. It is not deployed.
package child

import (
	"os/exec"
	"runtime"
)

// Start starts the command as the leader of a new process group, so that a signal
// to the group reaches all its children, and the terminal's Ctrl-C reaches none of
// them. On Linux the kernel kills the command when this process ends, even if this
// process is killed. The channel is closed after the command has ended and ended,
// unless nil, has returned; command.ProcessState is set then.
func Start(command *exec.Cmd, ended func()) (exited <-chan struct{}, err error) {
	command.SysProcAttr = attributes()
	started, done := make(chan error), make(chan struct{})
	go func() {
		// To the kernel, a process's parent is the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err != nil {
			return
		}
		_ = command.Wait() // the command keeps the state
		if ended != nil {
			ended()
		}
		close(done)
	}()
	return done, <-started
}
