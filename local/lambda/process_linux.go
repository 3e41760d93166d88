package lambda

import "syscall"

// ownGroup also has the kernel kill the process should this one die without a
// chance to: a frozen orphan would stay for ever.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
