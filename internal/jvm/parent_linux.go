package jvm

import "syscall"

// dieWithParent has the kernel kill the process with its parent, and keeps the
// terminal's interrupt from it: who started it ends it in order.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
