package child

import "syscall"

// attributes have the kernel kill the process should this one die without a
// chance to: a frozen orphan would stay for ever.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
