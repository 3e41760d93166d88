// Package child starts processes that end when this one does. Nothing of it is
// deployed.
package child

import (
	"os/exec"
	"runtime"
)

// Start starts the command as the leader of a process group of its own, so that
// a signal to the group reaches all that it starts, and the terminal's Ctrl-C
// reaches none of it. On Linux the kernel kills it with this process, even if
// that is killed. The channel is closed when the process has ended and, if that
// is not nil, ended has run; its state is then in the command.
func Start(command *exec.Cmd, ended func()) (exited <-chan struct{}, err error) {
	command.SysProcAttr = attributes()
	started, done := make(chan error), make(chan struct{})
	go func() {
		// To the kernel a process's parent is the thread that started it.
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
